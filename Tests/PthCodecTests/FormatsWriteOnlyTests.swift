import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Formats for other programs and for people: ONNX and CSV.
struct FormatsWriteOnlyTests {
  /// The file of the trained network that onnx's checker (full_check) passes
  /// and onnxruntime runs to PyTorch's probabilities within 1e-6:
  /// `scripts/cross-validate` does that.
  static let checkedONNX =
    "b05a0b62bdc7255b11682d6a58dbf7bc6688bc4479bc847cedf752fe3f612b13"

  @Test("The network's graph is the one that onnxruntime ran")
  func writesCheckedGraph() throws {
    let network = try Checkpoint.open(Fixture.path("mnist/hw7_trained.pth"))
    try withTemporaryDirectory { folder in
      let path = folder.file("net.onnx")
      try network.save(to: path)
      #expect(try Tensor(readFile(path)).sha256() == Self.checkedONNX)
      #expect(throws: CheckpointError.self) { try Checkpoint.open(path) }
    }
  }

  @Test("Another network's checkpoint is refused by the key")
  func refusesOtherNetworks() throws {
    let network = try Checkpoint.open(Fixture.path("mnist/hw7_trained.pth"))
    var cases: [(String, Checkpoint)] = []
    var copy = Checkpoint(network.stateDict)
    copy.tensors["fc.4.bias"] = nil
    cases.append(("fc.4.bias", copy))
    copy = Checkpoint(network.stateDict)
    copy.tensors["fc.4.bias"] = try Tensor([Float](repeating: 0, count: 11))
    cases.append(("fc.4.bias", copy))
    copy.tensors["fc.4.bias"] = try Tensor([Double](repeating: 0, count: 10))
    cases.append(("fc.4.bias", copy))
    copy = Checkpoint(network.stateDict)
    copy.tensors["extra"] = try Tensor([Float(1)])
    cases.append(("extra", copy))
    try withTemporaryDirectory { folder in
      for (key, checkpoint) in cases {
        let error = #expect(throws: CheckpointError.self) {
          try checkpoint.save(to: folder.file("x.onnx"))
        }
        #expect(error?.keyPath == key)
      }
      let names = try folder.names()
      #expect(names == [])
    }
  }

  private func text(_ tensor: Tensor) throws -> String {
    try withTemporaryDirectory { folder in
      let path = folder.file("x.csv")
      try Checkpoint(tensor).save(to: path)
      return String(decoding: try readFile(path), as: UTF8.self)
    }
  }

  @Test("CSV has a line each sample, with numbers that read back the same")
  func writesLines() throws {
    let pixels = try Tensor((0..<12).map { UInt8($0) }, shape: [3, 2, 2])
    #expect(try text(pixels) == "0,1,2,3\n4,5,6,7\n8,9,10,11\n")
    let labels = try Tensor([Int64(-7), 2])
    #expect(try text(labels) == "-7\n2\n")
    let floats = try Tensor([Float(0.1), 1, -0.0, 1e-30, .infinity, .nan])
    #expect(try text(floats) == "0.1\n1\n-0\n1e-30\ninf\nnan\n")
    #expect(
      try text(floats.converted(to: .bfloat16)).hasPrefix("0.100097656\n")
    )
    #expect(try text(Tensor([Double.pi])) == "3.141592653589793\n")
    #expect(try text(Tensor([UInt64.max])) == "18446744073709551615\n")
    #expect(try text(pixels.converted(to: .bool)).hasPrefix("0,1,1,1\n"))
    #expect(try text(Tensor([Float]())) == "")
    #expect(try text(Tensor([Float(3)], shape: [])) == "3\n")
  }

  @Test("CSV refuses complex numbers and several tensors")
  func refusesOthers() throws {
    let complex = try Tensor([Float(1)]).converted(to: .complex64)
    #expect(throws: CheckpointError.self) { try text(complex) }
    let two = Checkpoint(
      format: .npz,
      tensors: ["a": try Tensor([Float(1)]), "b": try Tensor([Float(1)])]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("x.csv")
      let error = #expect(throws: CheckpointError.self) {
        try two.save(to: path)
      }
      #expect(error?.hint?.contains("--include") == true)
    }
  }
}
