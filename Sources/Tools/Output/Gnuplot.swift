internal import Foundation

/// Draws pictures with the program gnuplot.
enum Gnuplot {
  /// Why a picture could not be drawn.
  enum Trouble: Error, CustomStringConvertible {
    case missing
    case failed(String)

    var description: String {
      switch self {
      case .missing:
        "gnuplot is not installed, so no pictures are drawn; "
          + "install it with `apt-get install gnuplot-nox`"
      case .failed(let message): "gnuplot failed: \(message)"
      }
    }
  }

  /// Runs a script.
  ///
  /// - Parameter script: gnuplot's commands, with the data in it.
  /// - Throws: ``Trouble``.
  static func run(_ script: String) throws(Trouble) {
    guard let program = path() else { throw .missing }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    let input = Pipe()
    let errors = Pipe()
    process.standardInput = input
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    // A gnuplot that ends early must not end this program as well.
    let previous = signal(SIGPIPE, SIG_IGN)
    defer { _ = signal(SIGPIPE, previous) }
    do {
      try process.run()
      try input.fileHandleForWriting.write(contentsOf: Data(script.utf8))
      try input.fileHandleForWriting.close()
      let message = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      guard process.terminationStatus == 0 else {
        throw Trouble.failed(String(decoding: message, as: UTF8.self))
      }
    } catch let error as Trouble {
      throw error
    } catch {
      throw .failed("\(error)")
    }
  }

  /// Draws pictures that a command can do without: what goes wrong is told,
  /// and the command goes on.
  ///
  /// - Parameters:
  ///   - script: gnuplot's commands.
  ///   - files: What the script writes.
  ///   - isRequired: Whether a missing gnuplot is worth a warning.
  ///   - tell: Takes a line for each file that was written.
  static func draw(
    _ script: String,
    files: [String],
    isRequired: Bool,
    tell: (String) -> Void
  ) {
    do {
      try run(script)
      for file in files { tell("saved \(file)") }
    } catch .missing where !isRequired {
      Failure.report("note", "\(Trouble.missing)")
    } catch {
      Failure.report("warning", "\(error)")
    }
  }

  /// The commands that begin a picture: an SVG by its ending, else a PNG.
  static func output(_ path: String, width: Int, height: Int) -> String {
    let size = "size \(width),\(height)"
    let terminal =
      path.hasSuffix(".svg")
      ? "svg \(size) dynamic background 'white'" : "png \(size)"
    return "set terminal \(terminal)\nset output \(quoted(path))\n"
  }

  /// A text in gnuplot's quotes, in which nothing is read as a command.
  static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "''").replacing("\n", with: " ") + "'"
  }

  private static func path() -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
    return folders.split(separator: ":").map { $0 + "/gnuplot" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
