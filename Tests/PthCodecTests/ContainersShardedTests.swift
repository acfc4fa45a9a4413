import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Hugging Face's shards of PyTorch files.
@Suite("PyTorch shards")
struct ContainersShardedTests {
  static let index = "pytorch_model.bin.index.json"
  static let parts = [
    "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin",
  ]

  /// A copy of the fixture in a folder of its own.
  static func copy(_ body: (TemporaryDirectory) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      for name in [index] + parts {
        try writeFile(
          Fixture.bytes("torch-2.13/hf_shards/" + name),
          to: folder.file(name)
        )
      }
      try body(folder)
    }
  }

  @Test("a folder is its index")
  func folder() throws {
    try Self.copy { folder in
      let byFolder = try Checkpoint.open(folder.path)
      let byIndex = try Checkpoint.open(folder.file(Self.index))
      #expect(byFolder.format == .pytorchSharded)
      #expect(byFolder.tensors.keys == byIndex.tensors.keys)
      #expect(byFolder.tensors.count == 11)
    }
  }

  @Test("a part that is missing is named")
  func missingPart() throws {
    try Self.copy { folder in
      try writeFile([], to: folder.file(Self.parts[1]))
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(folder.path)
      }
      #expect(error?.file == folder.file(Self.parts[1]))
    }
  }

  @Test("a tensor that is not where the index says is named")
  func missingTensor() throws {
    try Self.copy { folder in
      try Self.edit(folder) {
        $0.replacing("\"fc.0.bias\"", with: "\"fc.9.bias\"")
      }
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(folder.path)
      }
      #expect(error?.keyPath == "fc.9.bias")
    }
  }

  @Test("a tensor that the index does not have is named")
  func extraTensor() throws {
    try Self.copy { folder in
      try Self.edit(folder) {
        $0.replacing("\"fc.0.bias\": \"\(Self.parts[1])\",", with: "")
      }
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(folder.path)
      }
      #expect(error?.keyPath == "fc.0.bias")
    }
  }

  @Test("a part outside the folder, and an index as a part, are refused")
  func wrongParts() throws {
    for name in ["../secret.bin", Self.index, ""] {
      try Self.copy { folder in
        try Self.edit(folder) { $0.replacing(Self.parts[0], with: name) }
        #expect(throws: CheckpointError.self) {
          try Checkpoint.open(folder.path)
        }
      }
    }
  }

  @Test("shards are written with tensors that share memory in one file")
  func written() throws {
    let base = try Tensor((0..<100).map { Float($0) })
    var tensors: OrderedDictionary<String, Tensor> = [:]
    tensors["a"] = base
    tensors["b"] = try Tensor((0..<60).map { Int64($0) })
    tensors["tied"] = base
    tensors["slice"] = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [10, 5], strides: [1, 10], offset: 50),
      storage: base.storage
    )
    tensors["c"] = try Tensor((0..<30).map { Double($0) })
    tensors["c"]?.requiresGrad = true
    let source = Checkpoint(
      StateDict(tensors, moduleVersions: ["": 1, "norm": 2])
    )
    try withTemporaryDirectory { folder in
      for target in [Self.index, "pytorch_model.bin", "pytorch_model.pth"] {
        try source.save(
          to: folder.file(target),
          options: WriteOptions(settings: ["max-shard-size": "800"])
        )
        let names = (1...2).map { "pytorch_model-0000\($0)-of-00002.bin" }
        #expect(try folder.names() == names + [Self.index])
        let index = String(
          decoding: try readFile(folder.file(Self.index)),
          as: UTF8.self
        )
        #expect(index.contains("\"total_size\": 1120"))
        for (name, file) in zip(
          ["a", "b", "c", "slice", "tied"],
          [0, 1, 1, 0, 0]
        ) {
          #expect(index.contains("\"\(name)\": \"\(names[file])\""))
        }
        let copy = try Checkpoint.open(folder.path)
        #expect(Set(copy.tensors.keys) == Set(tensors.keys))
        for (name, tensor) in tensors {
          let found = try copy.tensor(name)
          #expect(try found.sha256() == tensor.sha256())
          #expect(found.layout == tensor.layout)
          #expect(found.requiresGrad == tensor.requiresGrad)
        }
        #expect(
          try copy.tensor("a").storage === copy.tensor("slice").storage
        )
        #expect(copy.moduleVersions == source.moduleVersions)
        let first = try Checkpoint.open(folder.file(names[0]))
        #expect(first.tensors.keys == ["a", "tied", "slice"])
        // One file again.
        let whole = try TemporaryDirectory()
        try copy.save(to: whole.file("whole.pth"))
        let merged = try Checkpoint.open(whole.file("whole.pth"))
        #expect(merged.tensors.keys == copy.tensors.keys)
        #expect(merged.moduleVersions == source.moduleVersions)
      }
    }
  }

  @Test("a training state's values are listed, and refused")
  func values() throws {
    let path = Fixture.path("torch-2.13/training.pth")
    let source = try Checkpoint.open(path)
    try withTemporaryDirectory { folder in
      let target = folder.file(Self.index)
      let losses = try source.losses(savingTo: target)
      let told = Set(losses.map(\.path))
      #expect(told.isSuperset(of: source.values.map(\.path)))
      #expect(told.contains("model._metadata"))
      let error = #expect(throws: CheckpointError.self) {
        try source.save(to: target)
      }
      #expect(error?.code == .lossy)
      #expect(try folder.names() == [])
    }
  }

  @Test("a state dict's values, sparse tensors and attributes are kept")
  func stateDictValues() throws {
    for name in ["ordered_with_attributes", "values", "coo", "parameters"] {
      let path = Fixture.path("torch-2.13/\(name).pth")
      let source = try Checkpoint.open(path)
      try withTemporaryDirectory { folder in
        let target = folder.file(Self.index)
        let options = WriteOptions(settings: ["max-shard-size": "30"])
        #expect(
          try source.losses(savingTo: target, options: options).isEmpty
        )
        try source.save(to: target, options: options)
        let copy = try Checkpoint.open(target)
        // As text, since NaN is not equal to itself.
        let values = Set(source.values.map { "\($0)" })
        #expect(Set(copy.values.map { "\($0)" }) == values, "\(name)")
        #expect(Set(copy.tensors.keys) == Set(source.tensors.keys))
        for (key, tensor) in source.tensors {
          #expect(try copy.tensor(key).sha256() == tensor.sha256())
        }
        #expect(copy.moduleVersions == source.moduleVersions)
        if name != "values" {
          #expect(copy.tensors.keys == source.tensors.keys)
        }
        // And from the shards into one file again.
        let whole = folder.file("whole.pth")
        #expect(try copy.losses(savingTo: whole).isEmpty)
        try copy.save(to: whole)
        let merged = try Checkpoint.open(whole)
        #expect(Set(merged.values.map { "\($0)" }) == values)
      }
    }
  }

  static func edit(
    _ folder: TemporaryDirectory,
    _ change: (String) -> String
  ) throws {
    let file = folder.file(index)
    let text = String(decoding: try readFile(file), as: UTF8.self)
    try writeFile(change(text).utf8, to: file)
  }
}
