internal import Foundation
internal import Synchronization
internal import SystemPackage

/// Standard input, which `-` names in place of a file.
enum StandardInput {
  /// The name that stands for standard input and output.
  static let argument = "-"

  /// What messages call it.
  static let name = "standard input"

  private static let opened = Mutex<String?>(nil)

  /// The path to open for an argument.
  ///
  /// Tensors are read from a mapped file, and a pipe can't be mapped: `-` is
  /// first copied into a temporary file that has no name.
  ///
  /// - Parameter argument: A path, or `-`.
  /// - Returns: A path to read from.
  /// - Throws: ``Failure`` where nothing is piped in, or it can't be kept.
  static func path(for argument: String) throws -> String {
    guard argument == Self.argument else { return argument }
    return try opened.withLock { path in
      if let path { return path }
      guard !Terminal.isInput else {
        throw Failure(
          Exit.usage,
          "\(name) is a terminal; pipe a file into it, as in "
            + "`pth info - < model.pth`"
        )
      }
      let new =
        isWholeFile ? "/dev/fd/0" : try Spool.filled(from: .standardInput).path
      path = new
      return new
    }
  }

  /// Whether standard input is a file that can be mapped itself.
  private static var isWholeFile: Bool {
    var status = stat()
    guard unsafe fstat(0, &status) == 0,
      status.st_mode & S_IFMT == S_IFREG,
      lseek(0, 0, SEEK_CUR) == 0
    else { return false }
    return unsafe access("/dev/fd/0", R_OK) == 0
  }

  /// The name of an argument for a person.
  static func name(of argument: String) -> String {
    argument == Self.argument ? name : Text.printable(argument)
  }

  /// A message that calls standard input by its name.
  static func named(in message: String) -> String {
    guard let path = opened.withLock({ $0 }), message.contains(path) else {
      return message
    }
    return message.replacing(path, with: name)
  }
}

/// Standard output.
enum StandardOutput {
  /// Hands on what was printed so far: text is kept back where standard output
  /// is no terminal.
  static func flush() {
    fflush(nil)
  }

  /// Writes a file's bytes, all or nothing: they come when `write` is done.
  ///
  /// - Parameter write: Writes to the path that it is given.
  /// - Throws: What `write` throws, ``Failure`` where the output can't be
  ///   written.
  static func send(_ write: (String) throws -> Void) throws {
    let spool = try Spool()
    do {
      try write(spool.path)
    } catch {
      throw Failure(
        Failure.exitCode(of: error),
        "\(error)".replacing(spool.path, with: "standard output")
      )
    }
    flush()
    do {
      try spool.copy(to: .standardOutput)
    } catch {
      throw Failure(
        Exit.ioFailure,
        "standard output: can't be written: \(error)"
      )
    }
  }
}

/// Standard error.
enum StandardError {
  /// Writes text at once.
  static func write(_ text: String) {
    // Who closed standard error does not want to hear of it.
    _ = try? FileDescriptor.standardError.writeAll(text.utf8)
  }
}

/// A temporary file without a name, which is gone with the process.
private struct Spool {
  private let file: FileDescriptor

  /// A path by which this process can open it.
  var path: String { "/dev/fd/\(file.rawValue)" }

  init() throws {
    let name = FileManager.default.temporaryDirectory
      .appendingPathComponent("pth-\(UUID().uuidString)").path
    do {
      file = try FileDescriptor.open(
        FilePath(name),
        .readWrite,
        options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: .ownerReadWrite
      )
    } catch {
      throw Failure(Exit.noOutput, "\(name): can't be made: \(error)")
    }
    _ = unsafe unlink(name)
  }

  static func filled(from source: FileDescriptor) throws -> Spool {
    let spool = try Spool()
    do {
      let bar = ProgressBar("reading \(StandardInput.name)")
      defer { bar?.clear() }
      try Self.copy(from: source, to: spool.file) { bar?.update($0, of: nil) }
    } catch {
      throw Failure(
        Exit.ioFailure,
        "\(StandardInput.name): can't be copied into a temporary file: "
          + "\(error); TMPDIR names the folder for it"
      )
    }
    return spool
  }

  func copy(to target: FileDescriptor) throws {
    try file.seek(offset: 0, from: .start)
    try Self.copy(from: file, to: target) { _ in }
  }

  private static func copy(
    from source: FileDescriptor,
    to target: FileDescriptor,
    progress: (Int) -> Void
  ) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: 1 << 20,
      alignment: 4096
    )
    defer { unsafe buffer.deallocate() }
    var done = 0
    while true {
      let count = try unsafe source.read(into: buffer)
      guard count > 0 else { return }
      _ = try unsafe target.writeAll(buffer[..<count])
      done += count
      progress(done)
    }
  }
}
