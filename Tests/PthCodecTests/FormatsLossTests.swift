import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// What a format can't hold is refused by name before anything is written.
struct FormatsLossTests {
  /// The formats that keep tensors and nothing of Python's.
  static let endings = ["npz", "gguf", "plain.safetensors"]

  private static func options(_ ending: String) -> WriteOptions {
    WriteOptions(
      settings: ending.hasPrefix("plain") ? ["plain": "true"] : [:]
    )
  }

  /// The losses' paths and reasons, one line each.
  private func lines(
    _ fixture: String,
    to ending: String
  ) throws -> [String] {
    try Checkpoint.open(Fixture.path(fixture))
      .losses(savingTo: "x." + ending, options: Self.options(ending))
      .map { "\($0.path): \($0.reason)" }
  }

  @Test(
    "Each thing that tensor formats lack is told by its name",
    arguments: [
      ("torch-2.13/training.pth", "epoch", "no int"),
      ("torch-2.13/training.pth", "model._metadata", "versions of"),
      ("torch-2.13/views.pth", "transposed", "shares memory with base"),
      ("torch-2.13/views.pth", "strided", "strides ["),
      ("torch-2.13/parameters.pth", "plain", "requires_grad"),
      ("torch-2.13/coo.pth", "m", "sparse"),
      ("torch-2.13/csr.pth", "m", "sparse"),
      ("torch-2.13/quantized.pth", "channels", "scale and zero point"),
      ("torch-2.13/meta.pth", "m", "no data"),
      ("torch-2.13/dtype_complex32.pth", "data", "no complex32"),
    ]
  )
  func tellsLosses(fixture: String, path: String, reason: String) throws {
    for ending in Self.endings {
      let lines = try lines(fixture, to: ending)
      #expect(
        lines.contains { $0.hasPrefix(path + ": ") && $0.contains(reason) },
        "\(ending): \(lines)"
      )
    }
  }

  @Test("A state dict's _metadata is kept or refused, never dropped silently")
  func tellsModuleVersions() throws {
    let network = try Checkpoint.open(Fixture.path("mnist/hw7_trained.pth"))
    #expect(!network.moduleVersions.isEmpty)
    for ending in ["npz", "plain.safetensors"] {
      try withTemporaryDirectory { folder in
        let error = #expect(throws: CheckpointError.self) {
          try network.save(
            to: folder.file("x." + ending),
            options: Self.options(ending)
          )
        }
        #expect(error?.code == .lossy)
        #expect(error?.keyPath == "_metadata")
        #expect(error?.hint == "--force writes it without that")
        let names = try folder.names()
        #expect(names == [])
      }
    }
    for ending in ["safetensors", "gguf", "pth"] {
      try withTemporaryDirectory { folder in
        let path = folder.file("x." + ending)
        try network.save(to: path)
        let copy = try Checkpoint.open(path)
        #expect(copy.moduleVersions == network.moduleVersions, "\(ending)")
      }
    }
  }

  @Test(
    "Formats of one tensor refuse its company, and several tensors",
    arguments: ["npy", "idx", "csv"]
  )
  func refusesCompany(_ ending: String) throws {
    let tensor = try Tensor([UInt8(1), 2])
    var checkpoint = Checkpoint(
      format: .safetensors,
      tensors: ["a": tensor],
      values: [CheckpointValue(path: "epoch", type: "int", value: .int(3))],
      moduleVersions: ["": 1],
      metadata: ["author": "x"]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("x." + ending)
      let paths = try checkpoint.losses(savingTo: path).map(\.path)
      #expect(paths == ["epoch", "_metadata", "author"])
      checkpoint.tensors["b"] = tensor
      for allowsLoss in [false, true] {
        let error = #expect(throws: CheckpointError.self) {
          try checkpoint.save(
            to: path,
            options: WriteOptions(allowsLoss: allowsLoss)
          )
        }
        #expect(error?.code == .mismatch)
        #expect(error?.message.contains("has 2") == true)
        #expect(error?.hint?.contains("--include") == true)
      }
      #expect(try folder.names() == [])
    }
  }

  @Test("Arrays by columns are no loss for NumPy, arrays with gaps are")
  func tellsStrides() throws {
    let views = try Checkpoint.open(Fixture.path("torch-2.13/views.pth"))
    for (name, isLost) in [("transposed", false), ("strided", true)] {
      let checkpoint = Checkpoint(
        format: .pytorchZip,
        tensors: ["x": try views.tensor(name)]
      )
      let npz = try checkpoint.losses(savingTo: "x.npz")
      #expect(npz.isEmpty == !isLost, "\(name): \(npz)")
      #expect(try checkpoint.losses(savingTo: "x.gguf").count == 1)
    }
  }

  @Test("What has no loss is written without asking")
  func writesWhatIsKept() throws {
    for ending in Self.endings + ["npy", "csv"] {
      let checkpoint = Checkpoint(try Tensor([Float(1), 2], shape: [2, 1]))
      let losses = try checkpoint.losses(
        savingTo: "x." + ending,
        options: Self.options(ending)
      )
      #expect(losses.isEmpty)
    }
  }
}
