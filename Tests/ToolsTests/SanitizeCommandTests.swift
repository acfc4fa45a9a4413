import TestSupport
import Testing

/// `pth sanitize` as a user runs it.
@Suite("pth sanitize")
struct SanitizeCommandTests {
  private struct Change: Decodable, Equatable {
    let path: String
    let from: String
    let to: String
  }

  @Test("lists what it changed, by path")
  func lists() throws {
    try withTemporaryDirectory { folder in
      let input = Fixture.path("torch-2.13/training.pth")
      let output = folder.file("safe.pth")
      let run = try PthTool.run("sanitize", input, output, "--json")
      #expect(run.status == 0, "\(run.messages)")
      let changes: [Change] = try run.json()
      #expect(
        changes == [
          Change(path: "args", from: "argparse.Namespace", to: "dict")
        ]
      )
      let text = try PthTool.run("sanitize", input, folder.file("3.pth"))
      #expect(text.text == "args: argparse.Namespace -> dict\n")
      let again = try PthTool.run("sanitize", output, folder.file("2.pth"))
      #expect(again.text == "")
      let refused = try PthTool.run("sanitize", input, output)
      #expect(refused.status == 73)
    }
  }
}
