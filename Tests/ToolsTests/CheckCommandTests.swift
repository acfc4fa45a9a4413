import TestSupport
import Testing

/// `pth check` as a user runs it; whether it is right is tested elsewhere.
@Suite("pth check")
struct CheckCommandTests {
  struct Report: Decodable {
    let target: String
    let weightsOnly: Bool
    let mmap: Bool
    let loads: Bool
    let findings: [FindingReport]
  }

  static func check(
    _ name: String,
    _ options: String...
  ) throws -> (report: Report, status: Int32) {
    let run = try PthTool.run(
      ["check", "--json", Fixture.path(name), "--for"] + options
    )
    return (try run.json(), run.status)
  }

  @Test("a file that loads, and how it was asked")
  func loads() throws {
    let (report, status) = try Self.check(
      "torch-2.13/state_dict.pth",
      "torch-2.13",
      "--weights-only",
      "--mmap"
    )
    #expect(status == 0)
    #expect(report.loads && report.weightsOnly && report.mmap)
    #expect(report.target == "torch-2.13")
    #expect(report.findings.isEmpty)
  }

  @Test(
    "what keeps a file from loading is told with opcode, global and key path",
    arguments: [
      ("values", "torch-1.13", "refused-opcode", "BINFLOAT"),
      ("objects", "torch-2.13", "refused-global", "argparse.Namespace"),
      ("dtype_uint16", "torch-1.13", "refused-global", "_rebuild_tensor_v3"),
      ("module", "torch-2.13", "refused-global", "opaque_classes.Block"),
    ]
  )
  func reasons(
    file: String,
    target: String,
    code: String,
    what: String
  ) throws {
    let (report, status) = try Self.check(
      "torch-2.13/\(file).pth",
      target,
      "--weights-only"
    )
    #expect(status == 1 && !report.loads)
    let found = report.findings.filter {
      $0.code == code && $0.message.contains(what)
    }
    let first = try #require(found.first, "\(report.findings)")
    #expect(first.severity == "error")
    #expect(first.record == "data.pkl")
    #expect(first.offset != nil && first.keyPath != nil, "\(first)")
  }

  @Test("without weights_only, what has to be there is a warning")
  func warnings() throws {
    let (report, status) = try Self.check(
      "torch-2.13/module.pth",
      "torch-2.13"
    )
    #expect(status == 0)
    #expect(report.findings.map(\.severity) == ["warning"])
    #expect(report.findings.map(\.code) == ["needs-module"])
    let (runs, code) = try Self.check(
      "hostile/runs/reduce_os.pth",
      "torch-2.13"
    )
    #expect(code == 0)
    #expect(runs.findings.map(\.code) == ["runs-code"])
  }

  @Test("text and exit codes")
  func text() throws {
    let path = Fixture.path("hostile/zip/no_version.pth")
    let run = try PthTool.run("check", path, "--for", "torch-1.13")
    #expect(run.status == 1)
    #expect(
      run.text.hasPrefix("\(path): does not load in torch-1.13\n  error ")
    )
    let wrong = Fixture.path("formats/plain.gguf")
    let refused = try PthTool.run("check", wrong, "--for", "torch-2.13")
    #expect(refused.status == 65)
    #expect(refused.messages.contains("torch.load does not read"))
    #expect(try PthTool.run("check", path).status == 64)
    #expect(try PthTool.run("check", path, "--for", "torch-3").status == 64)
    let missing = try PthTool.run("check", "/no/x.pth", "--for", "torch-1.13")
    #expect(missing.status == 66)
  }
}
