import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// PyTorch's objects through safetensors and back.
struct FormatsRoundTripTests {
  static let checkpoints: [String] = ["torch-1.13", "torch-2.13"].flatMap {
    (try? Fixture.names(in: $0, suffix: ".pth")) ?? []
  }
  // Safetensors has no place for records of strangers, and says so.
  .filter { !$0.contains("_legacy") && !$0.contains("more_records") }

  @Test("There are checkpoints to send round")
  func hasFixtures() { #expect(Self.checkpoints.count > 20) }

  @Test(
    "A checkpoint that went through safetensors is the same file",
    arguments: checkpoints
  )
  func returnsFromSafetensors(_ name: String) throws {
    let original = try Checkpoint.open(Fixture.path(name))
    // The layout that it does not have: the archive is made anew then.
    let layout = WriteOptions(
      layout: name.hasPrefix("torch-1.13") ? .torch2 : .torch1
    )
    try withTemporaryDirectory { folder in
      try original.save(to: folder.file("direct.pth"), options: layout)
      try original.save(to: folder.file("between.safetensors"))
      let carried = try Checkpoint.open(folder.file("between.safetensors"))
      #expect(carried.format == .safetensors)
      #expect(carried.tensors.keys == original.tensors.keys)
      // As text: NaN is not equal to itself.
      #expect("\(carried.values)" == "\(original.values)")
      #expect(carried.moduleVersions == original.moduleVersions)
      // The root of the archive is the file's name.
      let copy = try TemporaryDirectory()
      try carried.save(to: copy.file("direct.pth"), options: layout)
      #expect(
        try readFile(copy.file("direct.pth"))
          == readFile(folder.file("direct.pth"))
      )
    }
  }

  @Test("Views and aliases are tensors of the file for other programs too")
  func writesEveryTensor() throws {
    for name in Self.checkpoints {
      let original = try Checkpoint.open(Fixture.path(name))
      try withTemporaryDirectory { folder in
        let path = folder.file("x.safetensors")
        try original.save(
          to: path,
          options: WriteOptions(
            allowsLoss: true,
            settings: ["plain": "true"]
          )
        )
        let plain = try Checkpoint.open(path)
        #expect(plain.metadata.isEmpty)
        for (key, tensor) in plain.tensors {
          let source = try #require(original.tensors[key])
          #expect(tensor.shape == source.shape)
          #expect(try tensor.sha256() == source.resolved().sha256())
        }
      }
    }
  }

  @Test("Shards carry an object too")
  func shardsCarryObjects() throws {
    let original = try Checkpoint.open(Fixture.path("mnist/hw7_trained.pth"))
    try withTemporaryDirectory { folder in
      let path = folder.file("m.safetensors.index.json")
      try original.save(
        to: path,
        options: WriteOptions(settings: ["max-shard-size": "500KB"])
      )
      #expect(try folder.names().count > 2)
      let carried = try Checkpoint.open(path)
      try carried.save(to: folder.file("a.pth"))
      let copy = try Checkpoint.open(folder.file("a.pth"))
      #expect(copy.tensors.keys == original.tensors.keys)
      #expect(copy.moduleVersions == original.moduleVersions)
      for (name, tensor) in copy.tensors {
        #expect(try tensor.sha256() == original.tensors[name]?.sha256())
      }
    }
  }

  @Test("A pickle that lost a storage is an error that says so")
  func refusesChangedFiles() throws {
    let original = try Checkpoint.open(Fixture.path("mnist/hw7_trained.pth"))
    try withTemporaryDirectory { folder in
      let path = folder.file("x.safetensors")
      try original.save(to: path)
      let header = try readFile(path)
      let text = String(decoding: header, as: UTF8.self)
      #expect(text.contains("pth.pickle"))
      // The name of one tensor changes, as another program could do it.
      let from = Array(#""fc.4.bias":{"#.utf8)
      let place = try #require(
        header.indices.first { header[$0...].starts(with: from) }
      )
      var changed = header
      changed[place + 1] = UInt8(ascii: "g")
      try writeFile(changed, to: path)
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(path)
      }
      #expect(error?.code == .mismatch)
      #expect(error?.hint?.contains("another program") == true)
    }
  }
}
