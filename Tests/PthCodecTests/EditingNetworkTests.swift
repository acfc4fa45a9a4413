import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Renames and conversions of whole checkpoints.
struct EditingNetworkTests {
  @Test("A network in half precision keeps counters, names and versions")
  func convertsNetworks() throws {
    let original = try Checkpoint.open(Fixture.path("mnist/hw7_trained.pth"))
    let half = try original.converted(to: .float16)
    try withTemporaryDirectory { folder in
      for ending in ["pth", "safetensors", "gguf"] {
        let path = folder.file("half." + ending)
        try half.save(to: path)
        let copy = try Checkpoint.open(path)
        #expect(Set(copy.tensors.keys) == Set(original.tensors.keys))
        #expect(copy.moduleVersions == original.moduleVersions)
        for (name, tensor) in copy.tensors {
          let source = try original.tensor(name)
          let isCounter = source.dtype == .int64
          #expect(tensor.dtype == (isCounter ? .int64 : .float16))
          let expected = try isCounter ? source : source.converted(to: .float16)
          #expect(try tensor.sha256() == expected.sha256(), "\(name)")
        }
      }
    }
  }

  @Test("Views and aliases stay what they are in another dtype")
  func keepsSharing() throws {
    let base = try Tensor((0..<12).map { Float($0) / 3 }, shape: [3, 4])
    let turned = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [4, 2], strides: [1, 4], offset: 4),
      storage: base.storage
    )
    let checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: ["a": base, "b": base, "t": turned]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("x.pth")
      try checkpoint.converted(to: .bfloat16).save(to: path)
      let copy = try Checkpoint.open(path)
      let a = try copy.tensor("a")
      let t = try copy.tensor("t")
      #expect(try copy.tensor("b").storage === a.storage)
      #expect(t.storage === a.storage)
      #expect(t.layout == turned.layout)
      let expected = try turned.converted(to: .bfloat16)
      #expect(try t.sha256() == expected.sha256())
    }
  }

  @Test("A value that does not fit is an error when it is written")
  func refusesMisfits() throws {
    let checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: ["w": try Tensor([Float(1), 300])]
    )
    let narrow = try checkpoint.converted(to: .uint8)
    try withTemporaryDirectory { folder in
      for ending in ["safetensors", "pth"] {
        let path = folder.file("x." + ending)
        #expect(throws: CheckpointError.self) { try narrow.save(to: path) }
      }
      let names = try folder.names()
      #expect(names == [])
    }
    #expect(throws: CheckpointError.self) {
      try checkpoint.converted(to: .qint8)
    }
  }

  @Test("Renames take the modules' versions along")
  func renamesVersions() throws {
    let original = try Checkpoint.open(Fixture.path("mnist/hw7_trained.pth"))
    var wrap = NameMap()
    try wrap.addRename("^=module.")
    let wrapped = try original.renamed(by: wrap)
    #expect(wrapped.tensors.keys.allSatisfy { $0.hasPrefix("module.") })
    #expect(wrapped.moduleVersions["module.cnn.1"] == 2)
    #expect(NameMap.wrapperPrefix(of: wrapped.tensors.keys) == "module.")
    var strip = NameMap()
    strip.strip(prefix: "module.")
    let back = try wrapped.renamed(by: strip)
    #expect(back.tensors.keys == original.tensors.keys)
    #expect(back.moduleVersions["cnn.5"] == 2)
    #expect(back.moduleVersions[""] == 1)
    var choose = NameMap()
    choose.includes = [NameGlob("fc.*")]
    let chosen = try original.renamed(by: choose)
    #expect(chosen.tensors.count == 6)
    #expect(chosen.moduleVersions == original.moduleVersions)
  }
}
