import TestSupport
import Testing

/// `pth formats`, and whether it tells the truth.
@Suite("pth formats")
struct FormatsCommandTests {
  struct Format: Decodable {
    let name: String
    let aliases: [String]
    let read: Bool
    let write: Bool
    let suffixes: [String]
  }

  static func formats() throws -> [Format] {
    try PthTool.run("formats", "--json").json()
  }

  @Test("is a table of names, abilities and endings")
  func table() throws {
    let run = try PthTool.run("formats")
    #expect(run.status == 0)
    let lines = run.text.split(separator: "\n")
    let formats = try Self.formats()
    #expect(lines.count == formats.count + 1)
    for (line, format) in zip(lines.dropFirst(), formats) {
      let words = line.split(separator: " ").map(String.init)
      #expect(words[0] == format.name)
      #expect(words[1] == (format.read ? "yes" : "no"))
      #expect(words[2] == (format.write ? "yes" : "no"))
    }
  }

  @Test("each that can be written is, by each of its names")
  func writes() throws {
    let model = Fixture.path("mnist/hw7_trained.pth")
    for format in try Self.formats() {
      // These hold one tensor.
      let choice =
        ["npy", "idx", "csv"].contains(format.name)
        ? ["--include", "fc.4.weight", "--no-scale"] : []
      for name in [format.name] + format.aliases {
        try withTemporaryDirectory { folder in
          let copy = folder.file("copy")
          let run = try PthTool.run(
            ["convert", model, copy, "--to", name, "--force"] + choice
          )
          let isRefused = run.status == 65 && run.messages.contains("error: ")
          #expect(
            format.write ? run.status == 0 : isRefused,
            "\(name): \(run.status) \(run.messages)"
          )
          #expect(try folder.names().isEmpty == !format.write, "\(name)")
        }
      }
    }
  }

  @Test("what can't be read says so")
  func refusesReading() throws {
    for format in try Self.formats() where !format.read {
      let run = try PthTool.run(
        "convert",
        Fixture.path("mnist/hw7_trained.pth"),
        "/nowhere.pth",
        "--from",
        format.name
      )
      #expect(run.status == 65)
      #expect(run.messages.contains("\(format.name) files can't be read"))
    }
  }
}
