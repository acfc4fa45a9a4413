import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// State dicts are written without a graph; other objects by way of one.
struct WritingStreamTests {
  private static func files(
    _ stateDict: StateDict
  ) throws -> (streamed: [UInt8], built: [UInt8]) {
    try withTemporaryDirectory { folder in
      // Under one name, which is in the file too.
      let path = folder.file("x.pth")
      try Checkpoint(stateDict).save(to: path)
      let streamed = try readFile(path)
      try Checkpoint(.stateDict(stateDict)).save(to: path)
      return (streamed, try readFile(path))
    }
  }

  private static func tensor(_ count: Int) throws -> Tensor {
    try Tensor((0..<count).map { Float($0) })
  }

  @Test(
    "A state dict of any length is written as one in an object's graph",
    arguments: [0, 1, 2, 255, 1000, 1001, 2001, 2003]
  )
  func lengths(count: Int) throws {
    var stateDict = StateDict()
    for index in 0..<count {
      stateDict["layers.\(index).weight"] = try Self.tensor(index % 5)
      if index % 3 == 0 { stateDict.moduleVersions["layers.\(index)"] = index }
    }
    let files = try Self.files(stateDict)
    #expect(files.streamed == files.built)
    #expect(files.streamed.count > 128 * count)
  }

  @Test("Names, shapes and storages of every sort are written as in a graph")
  func traits() throws {
    var stateDict = StateDict(moduleVersions: ["": 2, "a": 70_000, "é": 1])
    let shared = try Self.tensor(70_000)
    for name in ["a", "b", "é", "storage", "cpu", "刘卓逸", "x.y", "ab"] {
      stateDict[name] = shared
    }
    for rank in 0..<7 {
      let shape = (0..<rank).map { $0 % 3 + 1 }
      let count = shape.reduce(1, *)
      stateDict["rank \(rank)"] = try Tensor(
        [Float](repeating: 1, count: count),
        shape: shape
      )
    }
    stateDict["view"] = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [2, 300], strides: [1, 200], offset: 5),
      storage: shared.storage,
      device: "cuda:1",
      requiresGrad: true
    )
    stateDict["unsigned"] = try Tensor([1, 2, 3] as [UInt16])
    stateDict["integers"] = try Tensor([1, -2, 3] as [Int64])
    stateDict["again"] = stateDict["unsigned"]
    let files = try Self.files(stateDict)
    #expect(files.streamed == files.built)
  }

  @Test("Among many alike, tensors that differ in one thing stay different")
  func almostAlike() throws {
    var stateDict = StateDict()
    let shared = try Self.tensor(4)
    for index in 0..<300 {
      // A new storage, then that of before, each as one of several views.
      stateDict["new.\(index)"] = try Self.tensor(4)
      let layouts = try [
        Layout(contiguous: [4]), Layout(shape: [2, 2], strides: [1, 2]),
        Layout(shape: [3], strides: [1], offset: 1),
        Layout(shape: [], strides: [], offset: index % 4),
      ]
      let storage =
        index % 3 == 0 ? shared.storage : Storage([1, 2, 3, 4.5] as [Float])
      stateDict["view.\(index)"] = try Tensor(
        dtype: index % 5 == 0 ? .int32 : .float32,
        layout: layouts[index % 4],
        storage: storage,
        device: index % 7 == 0 ? "cuda:\(index % 2)" : "cpu",
        requiresGrad: index % 2 == 0
      )
    }
    let files = try Self.files(stateDict)
    #expect(files.streamed == files.built)
  }

  @Test(
    "PyTorch's own tensors are written as in a graph",
    arguments: [
      "quantized", "views", "shared", "meta", "conjugated", "dtype_all",
    ]
  )
  func fixtures(name: String) throws {
    let old = try Checkpoint.open(Fixture.path("torch-2.13/\(name).pth"))
    let files = try Self.files(old.stateDict)
    #expect(files.streamed == files.built)
  }
}
