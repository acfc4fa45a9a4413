import Foundation
import TestSupport
import Testing

/// The commands in the documents are run as they stand there.
@Suite("the documents' commands")
struct CommandTests {
  /// Where the documents say that the built tool is.
  private static let tool = ".build/release/pth"

  private static let documents = ["README.md", "README.zh-CN.md"]

  @Test("every command is one of the tool's, or a script of the package")
  func known() throws {
    for document in Self.documents {
      let commands = try Documents.commands(in: document).joined()
      #expect(!commands.isEmpty)
      for command in commands {
        let program = command.split(separator: " ").first.map(String.init)
        if program == Self.tool || program == "pth" { continue }
        let path = Fixture.packageRoot + "/" + (program ?? "")
        #expect(
          FileManager.default.isExecutableFile(atPath: path),
          "\(document): there is no program \(program ?? "")"
        )
      }
    }
  }

  @Test("each block of the tool's commands runs from its first to its last")
  func runs() throws {
    var count = 0
    for document in Self.documents {
      for block in try Documents.commands(in: document) {
        let commands = block.map { $0.split(separator: " ").map(String.init) }
          .filter { $0.first == Self.tool || $0.first == "pth" }
        guard !commands.isEmpty else { continue }
        count += commands.count
        try Self.run(commands)
      }
    }
    #expect(count >= 8)
  }

  @Test("the tool's version is the newest one of the changelog")
  func version() throws {
    let newest = try Documents.lines(of: "CHANGELOG.md")
      .first { $0.hasPrefix("## ") }
    let run = try PthTool.run("--version")
    #expect(newest == "## " + run.text.trimmingCharacters(in: .newlines))
  }

  private static func run(_ commands: [[String]]) throws {
    try withTemporaryDirectory { folder in
      try fill(folder, for: commands)
      for command in commands {
        let run = try PthTool.run(
          Array(command.dropFirst()),
          directory: folder.path
        )
        #expect(
          run.status == 0,
          "\(command.joined(separator: " ")): \(run.messages)"
        )
      }
    }
  }

  /// Puts in a folder what the commands read, and nothing that they write.
  private static func fill(
    _ folder: TemporaryDirectory,
    for commands: [[String]]
  ) throws {
    for name in try Fixture.names(in: "mnist", suffix: ".gz") {
      let file = String(name.dropFirst("mnist/".count))
      try writeFile(Fixture.bytes(name), to: folder.file(file))
    }
    let trained = try Fixture.bytes("mnist/hw7_trained.pth")
    try writeFile(trained, to: folder.file("my_model.pth"))
    let data = folder.file("data")
    try FileManager.default.createDirectory(
      atPath: data,
      withIntermediateDirectories: false
    )
    guard !commands.contains(where: { $0.contains("convert") }) else { return }
    // A few images, so that training takes a moment and not minutes.
    for part in ["train", "test"] {
      let images = header(8, 3, [count, 28, 28]) + pixels()
      let labels = header(8, 1, [count]) + (0..<count).map { UInt8($0 % 10) }
      for (name, bytes) in [("data", images), ("labels", labels)] {
        let idx = folder.file("\(part)_\(name)-ubyte")
        try writeFile(bytes, to: idx)
        let run = try PthTool.run(
          "convert",
          idx,
          "\(data)/\(part)_\(name).pth"
        )
        #expect(run.status == 0, "\(run.messages)")
      }
    }
  }

  private static let count = 160

  /// The head of an IDX file: its type, and its sizes as big-endian numbers.
  private static func header(
    _ type: UInt8,
    _ rank: UInt8,
    _ sizes: [Int]
  ) -> [UInt8] {
    [0, 0, type, rank]
      + sizes.flatMap { [0, 0, UInt8($0 >> 8), UInt8($0 & 255)] }
  }

  private static func pixels() -> [UInt8] {
    (0..<(count * 28 * 28)).map { UInt8(truncatingIfNeeded: $0 &* 37 >> 3) }
  }
}
