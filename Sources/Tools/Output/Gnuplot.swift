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
