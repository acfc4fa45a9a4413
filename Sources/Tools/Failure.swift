internal import ArgumentParser
internal import PthCodec
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The exit codes, as `sysexits.h` has them.
enum Exit {
  /// A check ran, and found something.
  static let found = ExitCode(1)
  /// The input's data is bad.
  static let badData = ExitCode(65)
  /// An input is not there.
  static let noInput = ExitCode(66)
  /// The output can't be made.
  static let noOutput = ExitCode(73)
  /// Reading or writing failed.
  static let ioFailure = ExitCode(74)
  /// Ctrl-C.
  static let interrupted = ExitCode(130)
}

/// A message and an exit code of a command's own.
struct Failure: Error, CustomStringConvertible {
  let code: ExitCode
  let description: String

  init(_ code: ExitCode, _ message: String) {
    self.code = code
    description = message
  }

  /// Prints an error's message and ends the process with its code.
  static func exit(with error: any Error) -> Never {
    if error is ExitCode || error is CleanExit || isUsage(error) {
      PthCommand.exit(withError: error)
    }
    Failure.report("error", "\(error)")
    PthCommand.exit(withError: exitCode(of: error))
  }

  /// Prints a line to standard error: `pth: error: …`.
  static func report(_ kind: String, _ message: String) {
    StandardError.write("pth: \(kind): \(message)\n")
  }

  /// The exit code that an error means.
  static func exitCode(of error: any Error) -> ExitCode {
    switch error {
    case let failure as Failure: failure.code
    case let error as FileError: exitCode(of: error)
    default: Exit.badData
    }
  }

  private static func exitCode(of error: FileError) -> ExitCode {
    switch error.operation {
    case .open:
      if error.isFolder { Exit.badData } else { Exit.noInput }
    case .read, .map: Exit.ioFailure
    case .create: Exit.noOutput
    case .write, .replace: Exit.ioFailure
    }
  }

  /// Whether the parser made the error, which then knows how to show it.
  private static func isUsage(_ error: any Error) -> Bool {
    PthCommand.exitCode(for: error) == .validationFailure
      || PthCommand.exitCode(for: error) == .success
  }
}

/// Standard error, written at once.
enum StandardError {
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let base = rest.baseAddress, rest.count > 0 {
        #if canImport(Glibc)
          let count = unsafe Glibc.write(2, base, rest.count)
        #elseif canImport(Musl)
          let count = unsafe Musl.write(2, base, rest.count)
        #else
          let count = unsafe Darwin.write(2, base, rest.count)
        #endif
        guard count > 0 else { return }
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      }
    }
  }
}
