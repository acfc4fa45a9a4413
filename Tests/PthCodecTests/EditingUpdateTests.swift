import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Tensors that a program changes in a checkpoint, on their way into its
/// object.
@Suite("Tensors changed in a checkpoint")
struct EditingUpdateTests {
  static let training = Fixture.path("torch-2.13/training.pth")

  /// Saves, and opens again.
  private func saved(
    _ checkpoint: Checkpoint,
    as format: FormatID = .pytorchZip,
    _ body: (Checkpoint) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      try checkpoint.save(to: folder.file("x"), as: format)
      try body(Checkpoint.open(folder.file("x")))
    }
  }

  @Test(
    "a tensor that is replaced is saved, with everything else as it was",
    arguments: [FormatID.pytorchZip, .pytorchLegacy, .safetensors]
  )
  func replaced(format: FormatID) throws {
    var checkpoint = try Checkpoint.open(Self.training)
    let name = "model.cnn.0.weight"
    let old = try checkpoint.tensor(name)
    let new = try Tensor(
      (0..<old.elementCount).map { Float($0) + 0.5 },
      shape: old.shape
    )
    checkpoint.tensors[name] = new
    try saved(checkpoint, as: format) { copy in
      #expect(copy.tensors.keys == checkpoint.tensors.keys)
      #expect(copy.values == checkpoint.values)
      for (name, tensor) in checkpoint.tensors {
        let found = try copy.tensor(name)
        #expect(try found.sha256() == tensor.sha256(), "\(name)")
      }
      #expect(try copy.tensor(name).sha256() == new.sha256())
    }
  }

  @Test("tensors that are removed and added change the innermost dict")
  func removedAndAdded() throws {
    var checkpoint = try Checkpoint.open(Self.training)
    checkpoint.tensors["model.fc.0.bias"] = nil
    checkpoint.tensors["model.fc.9.bias"] = try Tensor([1, 2] as [Float])
    checkpoint.tensors["new"] = try Tensor([7] as [Int64])
    try saved(checkpoint) { copy in
      #expect(Set(copy.tensors.keys) == Set(checkpoint.tensors.keys))
      #expect(try copy.tensor("new").elements(as: Int64.self) == [7])
      #expect(copy.values == checkpoint.values)
      let model = try copy.part("model")
      #expect(model.tensors["fc.9.bias"] != nil)
      #expect(model.tensors["fc.0.bias"] == nil)
      #expect(!model.moduleVersions.isEmpty)
    }
  }

  @Test("edits see what was changed before them")
  func edited() throws {
    var checkpoint = try Checkpoint.open(Self.training)
    let name = "model.cnn.0.bias"
    let count = try checkpoint.tensor(name).elementCount
    let new = try Tensor([Float](repeating: 4, count: count))
    checkpoint.tensors[name] = new
    let half = try checkpoint.part("model").strippingPrefix("cnn.0.")
      .converted(to: .float16).filtered(including: ["bias"])
    try saved(half) { copy in
      let bias = try copy.tensor("bias").converted(to: .float32)
      #expect(
        try bias.elements(as: Float.self) == Array(repeating: 4, count: count)
      )
    }
    #expect(
      try checkpoint.dropping("optimizer").tensor(name).sha256() == new.sha256()
    )
    #expect(try checkpoint.compacted().tensor(name).sha256() == new.sha256())
  }

  @Test("new tensors share memory as they did, also with the file's")
  func sharing() throws {
    var checkpoint = try Checkpoint.open(
      Fixture.path("torch-2.13/state_dict.pth")
    )
    let weight = try checkpoint.tensor("fc.0.weight")
    checkpoint.tensors["turned"] = try Tensor(
      dtype: weight.dtype,
      layout: Layout(
        shape: weight.shape.reversed(),
        strides: weight.layout.strides.reversed()
      ),
      storage: weight.storage
    )
    try saved(checkpoint) { copy in
      let turned = try copy.tensor("turned")
      #expect(try turned.storage === copy.tensor("fc.0.weight").storage)
      #expect(turned.layout.strides == weight.layout.strides.reversed())
    }
  }

  @Test("a parameter stays one, with the new requires_grad")
  func parameters() throws {
    var checkpoint = try Checkpoint.open(
      Fixture.path("torch-2.13/parameters.pth")
    )
    let name = try #require(
      checkpoint.tensors.first { $0.value.requiresGrad }?.key
    )
    checkpoint.tensors[name]?.requiresGrad = false
    try saved(checkpoint) { copy in
      let found = try copy.tensor(name)
      #expect(!found.requiresGrad)
      #expect(copy.tensors.keys == checkpoint.tensors.keys)
      #expect(copy.values == checkpoint.values)
    }
  }

  @Test("what the object can't take is refused, never dropped")
  func refused() throws {
    func check(
      _ name: String,
      _ change: (inout Checkpoint) throws -> Void
    ) throws {
      var checkpoint = try Checkpoint.open(Fixture.path("torch-2.13/" + name))
      try change(&checkpoint)
      try withTemporaryDirectory { folder in
        let error = #expect(throws: CheckpointError.self, "\(name)") {
          try checkpoint.save(to: folder.file("x.pth"))
        }
        #expect(error?.code == .unsupported)
        let names = try folder.names()
        #expect(names == [])
      }
    }
    try check("training.pth") { $0.values.removeLast() }
    try check("state_dict.pth") { $0.moduleVersions[""] = 7 }
    try check("coo.pth") { checkpoint in
      let name = try #require(checkpoint.tensors.keys.first)
      checkpoint.tensors[name] = try Tensor([1] as [Float])
    }
    try check("list.pth") { $0.tensors["9"] = try Tensor([1] as [Float]) }
  }

  @Test("a change that is taken back leaves every byte as it was")
  func takenBack() throws {
    var checkpoint = try Checkpoint.open(Self.training)
    let old = try #require(checkpoint.tensors["model.cnn.0.bias"])
    checkpoint.tensors["model.cnn.0.bias"] = try Tensor([1] as [Float])
    checkpoint.tensors["model.cnn.0.bias"] = old
    try withTemporaryDirectory { folder in
      try checkpoint.save(to: folder.file("training.pth"))
      #expect(
        try readFile(folder.file("training.pth"))
          == Fixture.bytes("torch-2.13/training.pth")
      )
    }
  }

  @Test("an edited archive keeps records that PyTorch does not know")
  func records() throws {
    let source = try Checkpoint.open(
      Fixture.path("torch-2.13/container_more_records.pth")
    )
    try withTemporaryDirectory { folder in
      let file = folder.file("x.pth")
      for layout in TorchLayout.allCases {
        try source.filtered(including: ["fc.*"]).save(
          to: file,
          options: WriteOptions(layout: layout)
        )
        let archive = try ArchiveReader(MappedFile.open(file))
        #expect(archive.contains("extra/note.txt"))
        let record = try archive.storage(forRecord: "extra/note.txt")
        #expect(record.byteCount == 5)
      }
      for format in [FormatID.pytorchLegacy, .safetensors, .dcp, .npz] {
        let losses = try source.losses(savingTo: file, as: format)
        #expect(losses.contains { $0.path == "extra/note.txt" }, "\(format)")
      }
    }
  }
}
