import TestSupport
import Testing

@testable import pth

/// `pth info` as a user and as a program read it.
@Suite("pth info")
struct InfoCommandTests {
  private static func text(_ fixture: String) throws -> String {
    let run = try PthTool.run("info", Fixture.path(fixture))
    #expect(run.status == 0, "\(run.messages)")
    return run.text
  }

  @Test("tells a model's parameters apart from BatchNorm's statistics")
  func totals() throws {
    let text = try Self.text("torch-2.13/state_dict.pth")
    #expect(
      text.hasSuffix(
        "\n11 tensors, 59 parameters of 64 elements, 260 B in 11 storages\n"
      )
    )
    #expect(
      try Self.text("torch-2.13/bare.pth").hasSuffix(
        "\n1 tensor, 6 elements, 24 B in 1 storage\n"
      )
    )
  }

  @Test("shows other values as a tree, a list of plain values in one line")
  func values() throws {
    let text = try Self.text("torch-2.13/training.pth")
    #expect(
      text.hasSuffix(
        """

        epoch = 3
        optimizer.param_groups.0
          lr = 0.0003
          betas = [0.9, 0.999]
          eps = 1e-08
          weight_decay = 1e-05
          amsgrad = False
          maximize = False
          foreach = None
          capturable = False
          differentiable = False
          fused = None
          decoupled_weight_decay = False
          params = [0, 1, 2, 3, 4, 5, 6, 7]
        best_acc = 0.9923
        args = argparse.Namespace
          lr = 0.0003
          name = "hw7"
          layers = [16, 32]
        history
          0 = [1.5, 0.94]
          1 = [1.48, 0.97]

        """
      )
    )
  }

  @Test("a NumPy dtype and an array of texts are one value each")
  func numpyValues() throws {
    let text = try Self.text("torch-2.13/numpy.pth")
    #expect(text.contains("\ndtype = \"float32\"\n"))
    #expect(text.contains("\ntext = numpy.ndarray <U2 [2]\n"))
  }

  @Test("says what is unusual about a tensor")
  func notes() throws {
    let views = try Self.text("torch-2.13/views.pth")
    #expect(
      views.contains(
        "transposed     float32  6×4      96 B  not contiguous, shares the "
          + "storage of base\n"
      )
    )
    let quantized = try Self.text("torch-2.13/dtype_qint8.pth")
    #expect(quantized.contains("scale "))
    #expect(quantized.contains("zero point "))
  }

  @Test("aligns Chinese names, and never shortens a name in a pipe")
  func chineseNames() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("权重.safetensors")
      let name = String(repeating: "很长的名字", count: 20)
      let run = try PthTool.run(
        "convert",
        Fixture.path("torch-2.13/state_dict.pth"),
        file,
        "--include",
        "fc.0.*",
        "--rename",
        "^fc.0.weight$=权重",
        "--rename",
        "^fc.0.bias$=\(name)"
      )
      #expect(run.status == 0, "\(run.messages)")
      let info = try PthTool.run(
        "info",
        file,
        environment: ["COLUMNS": "40"]
      )
      #expect(info.text.hasPrefix("\(file): safetensors\n"))
      #expect(info.text.contains("\n\(name)  float32  3      12 B\n"))
      let gap = String(repeating: " ", count: 200 - 4)
      #expect(info.text.contains("\n权重\(gap)  float32  3×8    96 B\n"))
      #expect(!info.text.contains("\u{1b}"))
    }
  }

  @Test("a long name loses its middle, by columns and not by letters")
  func elides() {
    #expect(TextWidth.columns(of: "权重.weight") == 11)
    #expect(TextWidth.columns(of: "e\u{301}") == 1)
    #expect(TextWidth.elided("layers.0.weight", to: 15) == "layers.0.weight")
    #expect(TextWidth.elided("layers.0.weight", to: 9) == "laye…ight")
    for limit in 1...20 {
      let text = TextWidth.elided("编码器.层.0.权重.weight", to: limit)
      #expect(TextWidth.columns(of: text) <= limit)
      #expect(text.contains("…"))
    }
    var table = Table(["TENSOR", "SIZE", "NOTES"], rightAligned: [1])
    table.add([
      String(repeating: "encoder.", count: 9) + "weight", "1.5 KiB",
      String(repeating: "words ", count: 20),
    ])
    for limit in 30...90 {
      let lines = table.text(fitting: limit).split(separator: "\n")
      #expect(lines[1].count <= limit)
      #expect(lines[1].contains("weight  1.5 KiB") == (limit > 30))
    }
  }

  @Test("--json has every documented key, whatever the format")
  func json() throws {
    let files = [
      ("torch-2.13/training.pth", "pytorch-zip"),
      ("torch-2.13/training_legacy.pth", "pytorch-legacy"),
      ("legacy/torch01.tar", "pytorch-tar"),
      ("formats/metadata.safetensors", "safetensors"),
      ("formats/stored.npz", "npz"), ("formats/big_int16.npy", "npy"),
      ("formats/images-idx3-ubyte", "idx"), ("formats/plain.gguf", "gguf"),
    ]
    for (file, format) in files {
      let path = Fixture.path(file)
      let run = try PthTool.run("info", "--json", "--checksum", path)
      #expect(run.status == 0, "\(run.messages)")
      let report: InfoReport = try run.json()
      #expect(report.file == path)
      #expect(report.format == format)
      #expect(["little", "big"].contains(report.byteOrder))
      #expect(!report.tensors.isEmpty)
      for tensor in report.tensors {
        #expect(tensor.shape.count == tensor.strides.count)
        #expect(tensor.sha256?.count == 64)
        #expect(tensor.storage != nil)
        #expect(tensor.bytes > 0)
      }
      // null values keep their key.
      let keys = run.text.split(separator: "\"value\":").count - 1
      #expect(keys == report.values.count)
    }
    let two = try PthTool.run(
      "info",
      "--json",
      Fixture.path("torch-2.13/bare.pth"),
      Fixture.path("formats/c_int8.npy")
    )
    let list: [InfoReport] = try two.json()
    #expect(list.map(\.format) == ["pytorch-zip", "npy"])
    #expect(!two.text.contains("sha256"))
  }
}
