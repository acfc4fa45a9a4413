import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// What tells two checkpoints apart.
struct EditingComparisonTests {
  private func differences(
    _ a: OrderedDictionary<String, Tensor>,
    _ b: OrderedDictionary<String, Tensor>,
    _ tolerance: Tolerance = Tolerance()
  ) throws -> CheckpointDifferences {
    try Checkpoint(format: .npz, tensors: a).differences(
      to: Checkpoint(format: .safetensors, tensors: b),
      tolerance: tolerance
    )
  }

  @Test("Finds the largest difference, wherever it is, in a long tensor")
  func findsLargest() throws {
    var numbers = (0..<300_000).map { Float($0) }
    let first = try Tensor(numbers, shape: [300, 1000])
    numbers[7] += 1
    numbers[299_999] -= 2
    let found = try differences(
      ["w": first],
      ["w": Tensor(numbers, shape: [300, 1000])]
    )
    let elements = try #require(found.tensors.first?.elements)
    #expect(elements.count == 2)
    #expect(elements.first == 7)
    #expect(elements.largestAbsolute == 2)
    #expect(elements.largestIndex == 299_999)
    #expect(elements.largestRelative == 1.0 / 8)
    #expect(found.sameTensors == 0)
  }

  @Test("NaN is the same as NaN in its place only; zeros have no sign")
  func comparesNaN() throws {
    let a = try Tensor([Float.nan, 1, 0, .infinity])
    let other = try Tensor([-Float.nan, 1, -0.0, .infinity])
    #expect(try differences(["x": a], ["x": other]).isEmpty)
    let moved = try Tensor([Float(1), .nan, 0, -.infinity])
    let found = try differences(
      ["x": a],
      ["x": moved],
      Tolerance(relative: 1, absolute: 1)
    )
    let elements = try #require(found.tensors.first?.elements)
    #expect(elements.unmatchedNaN == 2)
    #expect(elements.count == 3)
    #expect(elements.largestAbsolute == .infinity)
    #expect(elements.largestIndex == 3)
  }

  @Test("Elements inside the tolerance are the same, as torch.allclose has it")
  func allowsTolerance() throws {
    let a = try Tensor([Double(1.1), 100])
    let b = try Tensor([Double(1), 101])
    let wide = Tolerance(relative: 0.01, absolute: 0.0901)
    #expect(try differences(["x": a], ["x": b], wide).isEmpty)
    let found = try differences(["x": a], ["x": b], Tolerance(absolute: 0.5))
    #expect(found.tensors.first?.elements?.count == 1)
    #expect(found.tensors.first?.elements?.first == 1)
  }

  @Test("Large integers are compared exactly")
  func comparesIntegers() throws {
    let a = try Tensor([Int64.max, Int64.min])
    let b = try Tensor([Int64.max - 1, Int64.max])
    let found = try differences(["x": a], ["x": b])
    #expect(found.tensors.first?.elements?.count == 2)
    #expect(found.tensors.first?.elements?.largestAbsolute == 0x1p64)
    let c = try Tensor([UInt64.max, 1])
    let d = try Tensor([UInt64.max - 1, 1])
    let unsigned = try differences(["x": c], ["x": d])
    #expect(unsigned.tensors.first?.elements?.count == 1)
    #expect(unsigned.tensors.first?.elements?.largestAbsolute == 1)
  }

  @Test("Views are compared by their elements, dtypes by their values")
  func comparesViewsAndDTypes() throws {
    let base = try Tensor((0..<6).map { Float($0) }, shape: [2, 3])
    let turned = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [3, 2], strides: [1, 3]),
      storage: base.storage
    )
    let flat = try Tensor(
      [Float](arrayLiteral: 0, 3, 1, 4, 2, 5),
      shape: [3, 2]
    )
    #expect(try differences(["x": turned], ["x": flat]).isEmpty)
    let wide = try differences(
      ["x": flat],
      ["x": flat.converted(to: .float64)]
    )
    #expect(wide.tensors.first?.elements?.count == 0)
    #expect(!wide.isEmpty)
    let shape = try differences(["x": flat], ["x": base])
    #expect(shape.tensors.first?.elements == nil)
  }

  @Test("Names, shared memory, values and modules' versions count")
  func comparesStructure() throws {
    let one = try Tensor([Float(1), 2])
    let same = try Tensor([Float(1), 2])
    let found = try differences(
      ["a": one, "b": one, "c": same],
      ["a": one, "b": same, "d": same]
    )
    #expect(found.onlyInFirst == ["c"])
    #expect(found.onlyInSecond == ["d"])
    #expect(found.sharedInFirst == [["a", "b"]])
    #expect(found.sharedInSecond == [])
    #expect(found.sameTensors == 2)
    func checkpoint(_ epoch: Double, _ version: Int) -> Checkpoint {
      Checkpoint(
        format: .pytorchZip,
        tensors: [:],
        values: [
          CheckpointValue(path: "e", type: "float", value: .float(epoch))
        ],
        moduleVersions: ["bn": version]
      )
    }
    #expect(
      try checkpoint(.nan, 2).differences(to: checkpoint(.nan, 2)).isEmpty
    )
    #expect(
      try checkpoint(1, 2).differences(to: checkpoint(2, 1)).values.map(\.path)
        == ["e", "_metadata.bn"]
    )
  }

  @Test(
    "Every fixture is the same as itself, and as itself in another protocol"
  )
  func isSameAsItself() throws {
    for name in try Fixture.names(in: "torch-2.13", suffix: ".pth")
    where !name.contains("_legacy") {
      let first = try Checkpoint.open(Fixture.path(name))
      let second = try Checkpoint.open(Fixture.path(name))
      #expect(try first.differences(to: second).isEmpty, "\(name)")
    }
    let two = try Checkpoint.open(Fixture.path("torch-2.13/views.pth"))
    let five = try Checkpoint.open(
      Fixture.path("torch-2.13/views_protocol5.pth")
    )
    #expect(try two.differences(to: five).isEmpty)
  }
}
