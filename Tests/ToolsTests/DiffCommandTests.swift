import TestSupport
import Testing

/// `pth diff` as a user runs it.
@Suite("pth diff")
struct DiffCommandTests {
  private static let file = Fixture.path("torch-2.13/state_dict.pth")

  private struct Report: Decodable {
    struct Tensor: Decodable {
      let name: String
      let dtypes: [String]
      let differing: Int?
      let largestAbsolute: Double?
    }
    let same: Bool
    let onlyInFirst: [String]
    let onlyInSecond: [String]
    let tensors: [Tensor]
    let sameTensors: Int
  }

  @Test("the same in another format and protocol: exit 0")
  func same() throws {
    try withTemporaryDirectory { folder in
      let other = folder.file("x.safetensors")
      _ = try PthTool.run("convert", Self.file, other)
      let run = try PthTool.run("diff", Self.file, other)
      #expect(run.status == 0)
      #expect(run.text == "the same: 11 tensors, 0 values\n")
    }
  }

  @Test("tells names, dtypes and the largest difference: exit 1")
  func different() throws {
    try withTemporaryDirectory { folder in
      let other = folder.file("x.pth")
      _ = try PthTool.run(
        "convert",
        Self.file,
        other,
        "--dtype",
        "float16",
        "--rename",
        "^fc.0.bias$=other"
      )
      let run = try PthTool.run("diff", Self.file, other, "--json")
      #expect(run.status == 1)
      let report: Report = try run.json()
      #expect(!report.same)
      #expect(report.onlyInFirst == ["fc.0.bias"])
      #expect(report.onlyInSecond == ["other"])
      let weight = try #require(
        report.tensors.first { $0.name == "cnn.0.weight" }
      )
      #expect(weight.dtypes == ["float32", "float16"])
      #expect(try #require(weight.largestAbsolute) < 1e-3)
      #expect(weight.differing == 18)
      let text = try PthTool.run("diff", Self.file, other, "--rtol", "0.01")
      #expect(text.status == 1)
      #expect(text.text.contains("cnn.0.weight: dtype float32, float16; by "))
    }
  }

  @Test("a missing file is no difference: exit 66")
  func missing() throws {
    let run = try PthTool.run("diff", Self.file, "/nowhere.pth")
    #expect(run.status == 66)
    #expect(run.output == [])
  }
}
