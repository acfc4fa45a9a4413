import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Edits that change or refuse, without a judge.
struct EditingTests {
  static let training = "torch-2.13/training.pth"

  private func open(_ name: String) throws -> Checkpoint {
    try Checkpoint.open(Fixture.path(name))
  }

  @Test("A container's own key can be renamed, one level can't become another")
  func renamesContainers() throws {
    let checkpoint = try open(Self.training)
    var map = NameMap()
    try map.addRename(#"^model\.=net."#)
    let renamed = try checkpoint.renamed(by: map)
    #expect(renamed.tensors.keys.contains("net.cnn.0.weight"))
    #expect(!renamed.tensors.keys.contains { $0.hasPrefix("model.") })
    #expect(
      renamed.values.map(\.path) == checkpoint.values.map(\.path)
    )
    var flatten = NameMap()
    try flatten.addRename(#"^model\.="#)
    let error = #expect(throws: CheckpointError.self) {
      try checkpoint.renamed(by: flatten)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.keyPath == "model.cnn.0.weight")
  }

  @Test("Names that would meet are refused, and so are a list's indices")
  func refusesRenames() throws {
    var map = NameMap()
    try map.addRename(#"weight$=bias"#)
    let stateDict = try open("torch-2.13/state_dict.pth")
    #expect(throws: NameMapError.self) { try stateDict.renamed(by: map) }
    var lists = NameMap()
    try lists.addRename(#"^0$=first"#)
    let list = try open("torch-2.13/list.pth")
    #expect(throws: CheckpointError.self) { try list.renamed(by: lists) }
    var bare = NameMap()
    try bare.addRename("data=x")
    let tensor = try open("torch-2.13/bare.pth")
    #expect(throws: CheckpointError.self) { try tensor.renamed(by: bare) }
  }

  @Test("A dictionary at two places is renamed at both or not at all")
  func refusesSharedContainers() throws {
    let shared = try open("torch-2.13/shared.pth")
    var one = NameMap()
    try one.addRename(#"^inner\.a=inner.b"#)
    #expect(throws: CheckpointError.self) { try shared.renamed(by: one) }
    var both = NameMap()
    try both.addRename(#"^(inner.*)\.a=\1.b"#)
    let renamed = try shared.renamed(by: both)
    #expect(renamed.tensors.keys.contains("inner.b"))
    #expect(renamed.tensors.keys.contains("inner_again.b"))
  }

  @Test("Patterns choose values too, but never a part of a list")
  func choosesValues() throws {
    let checkpoint = try open(Self.training)
    let model = try checkpoint.filtered(including: ["model.*"])
    #expect(model.values.isEmpty)
    #expect(model.tensors.keys.allSatisfy { $0.hasPrefix("model.") })
    let rest = try checkpoint.filtered(excluding: ["optimizer.*", "history.*"])
    #expect(rest.values.contains { $0.path == "epoch" })
    #expect(!rest.values.contains { $0.path.hasPrefix("history") })
    let error = #expect(throws: CheckpointError.self) {
      try checkpoint.filtered(excluding: ["history.0.*"])
    }
    #expect(error?.keyPath == "history.0")
    #expect(throws: CheckpointError.self) {
      try checkpoint.filtered(including: ["nothing"])
    }
  }

  @Test("A wrong path is refused with the nearest key")
  func namesNearestKey() throws {
    let checkpoint = try open(Self.training)
    let error = #expect(throws: CheckpointError.self) {
      try checkpoint.part("modle")
    }
    #expect(error?.hint?.contains("model") == true)
    #expect(throws: CheckpointError.self) { try checkpoint.dropping("x") }
    #expect(throws: CheckpointError.self) {
      try checkpoint.dropping("history.0")
    }
    #expect(throws: CheckpointError.self) {
      try checkpoint.strippingPrefix("module.")
    }
  }

  @Test("Storages that nothing mentions any more are not written")
  func dropsStorages() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("x.pth")
      let checkpoint = try open(Self.training)
      try checkpoint.dropping("optimizer", "model").save(to: path)
      let copy = try Checkpoint.open(path)
      #expect(copy.tensors.keys == ["rng"])
      #expect(try readFile(path).count < 4000)
    }
  }

  @Test("Tensors without a pickle are edited the same way")
  func editsOtherFormats() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("x.npz")
      try Checkpoint(
        format: .npz,
        tensors: [
          "model.a": try Tensor([Float(1)]), "model.b": try Tensor([Int64(2)]),
          "other": try Tensor([Float(3)]),
        ]
      ).save(to: path)
      let checkpoint = try Checkpoint.open(path)
      #expect(try checkpoint.part("model").tensors.keys == ["a", "b"])
      #expect(try checkpoint.dropping("model").tensors.keys == ["other"])
      #expect(
        try checkpoint.strippingPrefix("model.").tensors.keys
          == ["a", "b", "other"]
      )
      #expect(
        try checkpoint.filtered(including: ["*.a"]).tensors.keys == ["model.a"]
      )
      #expect(throws: CheckpointError.self) { try checkpoint.part("nothing") }
      #expect(throws: CheckpointError.self) {
        try checkpoint.dropping("nothing")
      }
    }
  }

  @Test("Views in memory are cut without parting them")
  func compactsTensors() throws {
    let storage = Storage((0..<100).map { Float($0) })
    func view(_ range: Range<Int>) throws -> Tensor {
      try Tensor(
        dtype: .float32,
        layout: Layout(contiguous: [range.count], offset: range.lowerBound),
        storage: storage
      )
    }
    let tensors: OrderedDictionary = [
      "a": try view(10..<20), "b": try view(15..<30), "c": try view(40..<40),
    ]
    let compact = try Checkpoint(format: .npz, tensors: tensors).compacted()
    #expect(compact.tensors["a"]?.storage === compact.tensors["b"]?.storage)
    #expect(compact.tensors["a"]?.storage.byteCount == 80)
    for (name, tensor) in tensors {
      #expect(
        try compact.tensors[name]?.elements(as: Float.self)
          == tensor.elements(as: Float.self)
      )
    }
  }

  @Test("Shards become one state dict; a name that two have is refused")
  func mergesShards() throws {
    let folder = "torch-2.13/hf_shards/pytorch_model-0000"
    let parts = [
      try open(folder + "1-of-00002.bin"), try open(folder + "2-of-00002.bin"),
    ]
    let merged = try Checkpoint.merged(parts)
    let whole = try open("torch-2.13/state_dict.pth")
    #expect(merged.tensors.keys == whole.tensors.keys)
    #expect(throws: CheckpointError.self) {
      try Checkpoint.merged([parts[0], parts[0]])
    }
    #expect(throws: CheckpointError.self) {
      try Checkpoint.merged([open(Self.training)])
    }
  }
}
