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

  static func edit(
    _ folder: TemporaryDirectory,
    _ change: (String) -> String
  ) throws {
    let file = folder.file(index)
    let text = String(decoding: try readFile(file), as: UTF8.self)
    try writeFile(change(text).utf8, to: file)
  }
}
