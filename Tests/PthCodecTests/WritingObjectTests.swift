import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Checkpoints that a program makes, written and read again.
struct WritingObjectTests {
  private static func rewritten(_ checkpoint: Checkpoint) throws -> Checkpoint {
    try withTemporaryDirectory { folder in
      let path = folder.file("new.pth")
      try checkpoint.save(to: path)
      return try Checkpoint.open(path)
    }
  }

  @Test("Every kind of value comes back at its path")
  func values() throws {
    let tensor = try Tensor([1, 2, 3] as [Float])
    let checkpoint = try Self.rewritten(
      Checkpoint(
        .dict([
          (.string("none"), .none), (.string("yes"), .bool(true)),
          (.string("epoch"), .int(-3)), (.string("loss"), .float(0.25)),
          (.string("name"), .string("刘卓逸")),
          (.string("list"), .list([.int(1), .tensor(tensor)])),
          (.string("pair"), .tuple([.bool(false), .string("")])),
          (.int(7), .stateDict(StateDict(["w": tensor]))),
        ])
      )
    )
    #expect(Array(checkpoint.tensors.keys) == ["list.1", "7.w"])
    #expect(
      try checkpoint.tensor("list.1").storage
        === checkpoint.tensor("7.w").storage
    )
    #expect(
      checkpoint.values.map(\.path) == [
        "none", "yes", "epoch", "loss", "name", "list.0", "pair.0", "pair.1",
      ]
    )
    #expect(
      checkpoint.values.map(\.value) == [
        .none, .bool(true), .int(-3), .float(0.25), .string("刘卓逸"), .int(1),
        .bool(false), .string(""),
      ]
    )
  }

  @Test(
    "A tensor of any dtype keeps its bytes in a new file",
    arguments: try Fixture.names(in: "torch-2.13", suffix: ".pth").filter {
      $0.contains("/dtype_") && !$0.hasSuffix("_legacy.pth")
    }
  )
  func dtypes(fixture: String) throws {
    let old = try Checkpoint.open(Fixture.path(fixture))
    let new = try Self.rewritten(Checkpoint(StateDict(old.tensors)))
    #expect(new.tensors.keys == old.tensors.keys)
    for (name, tensor) in old.tensors {
      let copy = try new.tensor(name)
      #expect(copy.dtype == tensor.dtype)
      #expect(copy.layout == tensor.layout)
      #expect(try copy.sha256() == tensor.sha256())
    }
  }

  @Test(
    "A new file keeps scales, sharing, strides, marks and meta tensors",
    arguments: ["quantized", "views", "shared", "meta", "conjugated"]
  )
  func traits(fixture: String) throws {
    let old = try Checkpoint.open(Fixture.path("torch-2.13/\(fixture).pth"))
    let new = try Self.rewritten(Checkpoint(StateDict(old.tensors)))
    for (name, tensor) in old.tensors {
      let copy = try new.tensor(name)
      #expect(copy.layout == tensor.layout)
      #expect(copy.device == tensor.device)
      #expect(copy.isConjugate == tensor.isConjugate)
      #expect(copy.isNegative == tensor.isNegative)
      #expect(try copy.sha256() == tensor.sha256())
      #expect(Self.text(copy.quantization) == Self.text(tensor.quantization))
    }
    for (first, second) in zip(old.tensors.keys, old.tensors.keys.dropFirst()) {
      #expect(
        try (new.tensor(first).storage === new.tensor(second).storage)
          == (old.tensor(first).storage === old.tensor(second).storage)
      )
    }
  }

  private static func text(_ quantization: Quantization?) -> String {
    switch quantization {
    case .none: return ""
    case .perTensor(let scale, let zeroPoint): return "\(scale) \(zeroPoint)"
    case .perChannel(let scales, let zeroPoints, let axis, let isFloat):
      let sums = [scales, zeroPoints].map { try? $0.sha256() }
      return "\(sums) \(axis) \(isFloat)"
    }
  }

  @Test("Marks of conjugate and negative views are written")
  func marks() throws {
    let fixture = try Checkpoint.open(
      Fixture.path("torch-2.13/dtype_complex64.pth")
    )
    var tensor = try #require(fixture.tensors.values.first)
    tensor.isConjugate = true
    tensor.isNegative = true
    let copy = try Self.rewritten(Checkpoint(tensor)).tensor("data")
    #expect(copy.isConjugate)
    #expect(copy.isNegative)
  }
}
