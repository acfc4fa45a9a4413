import TestSupport
import Testing

/// `pth show` as a user runs it.
@Suite("pth show")
struct ShowCommandTests {
  private static let mnist = Fixture.path("mnist/")

  @Test("tells statistics, in which NaN and infinities are set apart")
  func statistics() throws {
    let run = try PthTool.run(
      "show",
      Fixture.path("torch-2.13/dtype_float32.pth")
    )
    #expect(run.status == 0, "\(run.messages)")
    #expect(run.text.hasPrefix("data: float32 [2, 3]\nmin 0  max 1.50000"))
    #expect(run.text.contains("elements 6  zeros 1  non-finite 3"))
    #expect(run.text.contains("values: 1.50000 0 inf -inf nan 1e-05"))
    let list = try PthTool.run("show", Self.mnist + "hw7_trained.pth")
    #expect(list.text.contains("cnn.1.num_batches_tracked     11250"))
  }

  @Test("draws a dataset's image with its label, without colours in a pipe")
  func image() throws {
    try withTemporaryDirectory { folder in
      for part in ["images-idx3", "labels-idx1"] {
        let name = part.hasPrefix("images") ? "test_data" : "test_labels"
        let source = Self.mnist + "t10k-\(part)-ubyte.gz"
        _ = try PthTool.run("convert", source, folder.file("\(name).pth"))
      }
      let data = folder.file("test_data.pth")
      let run = try PthTool.run("show", data, "--index", "0")
      #expect(run.status == 0, "\(run.messages)")
      #expect(run.text.hasPrefix("data[0]: float32 [1, 28, 28]\nlabel: "))
      #expect(run.text.contains("█"))
      #expect(!run.text.contains("\u{1b}"))
      let outside = try PthTool.run("show", data, "--index", "10000000")
      #expect(outside.status == 65)
      #expect(outside.messages.contains("no index"))
    }
  }

  @Test("says what to install where there is no gnuplot")
  func missingGnuplot() throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        "show",
        Self.mnist + "hw7_trained.pth",
        "cnn.0.weight",
        "--png",
        folder.file("x.png"),
        environment: ["PATH": folder.path]
      )
      #expect(run.status == 74)
      #expect(run.messages.contains("apt-get install gnuplot-nox"))
      #expect(try folder.names() == [])
    }
  }
}
