import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Folders of torch.distributed.checkpoint.
@Suite("Distributed checkpoints")
struct ContainersDCPTests {
  /// A copy of a fixture in a folder of its own.
  static func copy(
    _ name: String = "dcp_ranks",
    _ body: (TemporaryDirectory) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      for file in [".metadata", "__0_0.distcp", "__1_0.distcp", "__2_0.distcp"]
      {
        guard let bytes = try? Fixture.bytes("torch-2.13/\(name)/\(file)")
        else { continue }
        try writeFile(bytes, to: folder.file(file))
      }
      try body(folder)
    }
  }

  @Test("values that are no tensors are decoded")
  func values() throws {
    let single = try Checkpoint.open(Fixture.path("torch-2.13/dcp_single"))
    let found = Dictionary(
      uniqueKeysWithValues: single.values.map { ($0.path, $0.value) }
    )
    #expect(found["extra.epoch"] == .int(3))
    #expect(found["extra.name"] == .string("刘"))
    #expect(found["optimizer.param_groups.0.betas.1"] == .float(0.999))
    #expect(found["optimizer.param_groups.0.params.7"] == .int(7))
  }

  @Test(
    "one file holds the same nested object",
    arguments: ["dcp_single", "dcp_ranks"]
  )
  func converts(name: String) throws {
    let source = try Checkpoint.open(Fixture.path("torch-2.13/" + name))
    try withTemporaryDirectory { folder in
      let file = folder.file("copy.pth")
      try source.save(to: file)
      let copy = try Checkpoint.open(file)
      #expect(copy.tensors.keys == source.tensors.keys)
      for (name, tensor) in source.tensors {
        #expect(try copy.tensor(name).sha256() == tensor.sha256())
        #expect(try copy.tensor(name).layout == tensor.layout)
      }
      #expect(copy.values == source.values)
    }
  }

  @Test(
    "metadata that was cut anywhere is refused",
    arguments: ["dcp_single", "dcp_ranks"]
  )
  func cutMetadata(name: String) throws {
    try Self.copy(name) { folder in
      let file = folder.file(".metadata")
      let bytes = try readFile(file)
      for count in stride(from: 0, to: bytes.count, by: 13) {
        try writeFile(bytes.prefix(count), to: file)
        #expect(throws: CheckpointError.self, "\(count) bytes") {
          try Checkpoint.open(folder.path)
        }
      }
    }
  }

  @Test("a part that was cut, and one that is missing, are refused")
  func cutPart() throws {
    try Self.copy { folder in
      let file = folder.file("__1_0.distcp")
      let bytes = try readFile(file)
      try writeFile(bytes.dropLast(), to: file)
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(folder.path)
      }
      #expect(error?.keyPath != nil)
      #expect(error?.message.contains("__1_0.distcp") == true)
      try writeFile([], to: file)
      #expect(throws: CheckpointError.self) {
        try Checkpoint.open(folder.path)
      }
    }
  }

  @Test("a changed size or place ends in tensors or in an error")
  func damagedMetadata() throws {
    var generator = SeededGenerator(for: "damage to distributed checkpoints")
    for name in ["dcp_single", "dcp_ranks"] {
      try Self.copy(name) { folder in
        let file = folder.file(".metadata")
        let good = try readFile(file)
        for _ in 0..<400 {
          var bytes = good
          for _ in 0..<2 {
            let place = Int.random(in: bytes.indices, using: &generator)
            bytes[place] =
              [UInt8.random(in: 0...255, using: &generator), 0, 255]
              .randomElement(using: &generator) ?? 0
          }
          try writeFile(bytes, to: file)
          do {
            for tensor in try Checkpoint.open(folder.path).tensors.values {
              try tensor.forEachContiguousPiece { _ in }
            }
          } catch {
            #expect(!"\(error)".isEmpty)
          }
        }
      }
    }
  }

  @Test("a file outside the folder is not opened")
  func outside() throws {
    try Self.copy { folder in
      let file = folder.file(".metadata")
      let text = "__0_0.distcp"
      var bytes = try readFile(file)
      let place = try #require(
        bytes.indices.first { bytes[$0...].starts(with: text.utf8) }
      )
      bytes.replaceSubrange(
        place..<place + text.utf8.count,
        with: "../_0.distcp".utf8
      )
      try writeFile(bytes, to: file)
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(folder.path)
      }
      #expect(error?.message.contains("not a file in this folder") == true)
    }
  }
}
