import TestSupport
import Testing

/// `pth salvage` as a user runs it.
@Suite("pth salvage")
struct SalvageCommandTests {
  struct Report: Decodable {
    let saved: [String]
    let lost: [Loss]
    let findings: [FindingReport]

    struct Loss: Decodable {
      let name: String
      let reason: String
    }
  }

  private static let sample = "torch-2.13/state_dict.pth"

  /// Calls `body` with a cut copy of the sample and a place for the output.
  private func withCut(
    to length: Int,
    _ body: (_ input: String, _ output: String) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      let input = folder.file("cut.pth")
      try writeFile(Fixture.bytes(Self.sample).prefix(length), to: input)
      try body(input, folder.file("rest.pth"))
    }
  }

  @Test("a cut file's rest is a sound checkpoint; the lost are listed")
  func cutFile() throws {
    try withCut(to: 2600) { input, output in
      let run = try PthTool.run("salvage", input, output)
      #expect(run.status == 1, "\(run.messages)")
      #expect(run.text.contains("  lost fc.0.weight: the record data/"))
      #expect(run.text.hasSuffix(" of 11 tensors saved\n"))
      let verify = try PthTool.run("verify", output)
      #expect(verify.text == "\(output): sound\n", "\(verify.text)")
      #expect(try PthTool.run("scan", output).status == 0)
      let check = try PthTool.run(
        "check",
        output,
        "--for",
        "torch-2.13",
        "--weights-only"
      )
      #expect(check.status == 0, "\(check.text)")
      // Nothing is overwritten but by wish.
      let again = try PthTool.run("salvage", input, output)
      #expect(again.status == 73)
      #expect(again.messages.contains("File exists"), "\(again.messages)")
      let forced = try PthTool.run(
        "salvage",
        input,
        output,
        "--force",
        "--json"
      )
      #expect(forced.status == 1)
      let report: Report = try forced.json()
      #expect(report.saved.count + report.lost.count == 11)
      #expect(report.saved.first == "cnn.0.weight")
      #expect(report.lost.last?.name == "fc.2.bias")
      #expect(report.lost.allSatisfy { $0.reason.contains("record data/") })
    }
  }

  @Test("a file without its directory loses nothing")
  func noDirectory() throws {
    let size = try Fixture.bytes(Self.sample).count
    try withCut(to: size - 900) { input, output in
      let run = try PthTool.run("salvage", input, output)
      #expect(run.status == 0, "\(run.text)\(run.messages)")
      #expect(run.text.hasSuffix("11 of 11 tensors saved\n"), "\(run.text)")
      let original = Fixture.path(Self.sample)
      let diff = try PthTool.run("diff", original, output)
      #expect(diff.status == 0, "\(diff.text)")
    }
  }

  @Test("where nothing can be saved nothing is written")
  func nothing() throws {
    for length in [0, 20, 200] {
      try withCut(to: length) { input, output in
        let run = try PthTool.run("salvage", input, output)
        #expect(run.status == 65, "\(length)")
        #expect(run.messages.hasPrefix("pth: error: \(input): "), "\(length)")
        #expect(try PthTool.run("info", output).status == 66)
      }
    }
    let missing = try PthTool.run("salvage", "/no/such.pth", "/no/out.pth")
    #expect(missing.status == 66)
  }
}
