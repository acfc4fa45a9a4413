internal import ArgumentParser
internal import ConvNet
internal import Foundation
internal import PthCodec
internal import Tensors

/// The exit codes, as `sysexits.h` has them.
enum Exit {
  /// A check ran, and found something.
  static let found = ExitCode(1)
  /// The command was called in a wrong way.
  static let usage = ExitCode(64)
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
    switch PthCommand.exitCode(for: error) {
    case .success: PthCommand.exit(withError: error)
    case .validationFailure where !(error is ExitCode):
      Failure.report("error", usageMessage(for: error))
      PthCommand.exit(withError: Exit.usage)
    default: break
    }
    if error is ExitCode { PthCommand.exit(withError: error) }
    Failure.report("error", "\(error)" + hint(for: error))
    PthCommand.exit(withError: exitCode(of: error))
  }

  /// What the parser found wrong, without its own "Error:", and the usage.
  private static func usageMessage(for error: any Error) -> String {
    let message = PthCommand.message(for: error)
    let full = PthCommand.fullMessage(for: error)
    guard let range = full.firstRange(of: message) else { return full }
    // The parser begins sentences; what stands behind "pth: error:" is none.
    let isSentence = message.dropFirst().first?.isLowercase == true
    let first = message.prefix(1)
    return (isSentence ? first.lowercased() : String(first))
      + message.dropFirst() + full[range.upperBound...]
  }

  /// What to do about an output that can't be made.
  private static func hint(for error: any Error) -> String {
    guard let error = error as? FileError, error.operation == .create else {
      return ""
    }
    if error.code == EEXIST { return "; --force replaces it" }
    guard error.isMissing, let slash = error.path.lastIndex(of: "/") else {
      return ""
    }
    return "; `mkdir -p \(error.path[..<slash])` makes the folder"
  }

  /// Prints a line to standard error: `pth: error: …`.
  static func report(_ kind: String, _ message: String) {
    let style: Style = kind == "error" ? .bad : .warning
    // A file's own words may be in it, and must not steer the terminal.
    let lines = StandardInput.named(in: message)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { Text.printable(String($0)) }
    StandardError.write(
      "pth: " + style.onError(kind + ":") + " "
        + lines.joined(separator: "\n") + "\n"
    )
  }

  /// The exit code that an error means.
  static func exitCode(of error: any Error) -> ExitCode {
    switch error {
    case let failure as Failure: failure.code
    case let error as FileError: exitCode(of: error)
    case ConvNetError.noOneDNN: Exit.ioFailure
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
}
