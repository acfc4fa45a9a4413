import OrderedCollections
import Pickle
import PthCodec
import Tensors
import TestSupport
import Testing

/// Folders of torch.distributed.checkpoint that are made here.
@Suite("Distributed checkpoints that are written")
struct ContainersDCPWritingTests {
  static let lossy = WriteOptions(allowsLoss: true)

  @Test("a folder that torch wrote comes out as it was")
  func sameFolder() throws {
    let name = "torch-2.13/dcp_single"
    try withTemporaryDirectory { folder in
      let copy = folder.file("copy")
      try Checkpoint.open(Fixture.path(name)).save(to: copy, as: .dcp)
      #expect(
        try readFile(copy + "/__0_0.distcp")
          == Fixture.bytes(name + "/__0_0.distcp")
      )
      let ours = try MetadataText(readFile(copy + "/.metadata")).text
      let theirs = try MetadataText(Fixture.bytes(name + "/.metadata")).text
      #expect(ours == theirs)
      #expect(ours.contains("TensorStorageMetadata"))
    }
  }

  @Test("a checkpoint of three ranks becomes one of one rank")
  func gathers() throws {
    let source = try Checkpoint.open(Fixture.path("torch-2.13/dcp_ranks"))
    try withTemporaryDirectory { folder in
      try source.save(to: folder.file("one"), as: .dcp)
      try Self.compare(source, Checkpoint.open(folder.file("one")))
      let names = try TemporaryDirectory.names(in: folder.file("one"))
      #expect(names == [".metadata", "__0_0.distcp"])
    }
  }

  @Test(
    "every kind of tensor and value comes back",
    arguments: [
      "training", "values", "shared", "views", "quantized", "coo", "csr",
      "csc", "bsr", "bsc", "dtype_all", "numpy", "objects", "parameters",
      "meta", "nested", "jagged", "conjugated", "many_tensors", "storages",
      "subclass",
    ]
  )
  func comesBack(name: String) throws {
    let source = try Checkpoint.open(Fixture.path("torch-2.13/\(name).pth"))
    try withTemporaryDirectory { folder in
      try source.save(to: folder.file("x"), as: .dcp, options: Self.lossy)
      try Self.compare(source, Checkpoint.open(folder.file("x")))
    }
  }

  static func compare(_ source: Checkpoint, _ copy: Checkpoint) throws {
    #expect(copy.tensors.keys == source.tensors.keys)
    for (name, tensor) in source.tensors {
      let found = try copy.tensor(name)
      #expect(found.dtype == tensor.dtype, "\(name)")
      #expect(found.shape == tensor.shape, "\(name)")
      #expect(
        try found.resolved().sha256() == tensor.resolved().sha256(),
        "\(name)"
      )
    }
    // Empty dicts may be lost, and are listed then. As text: NaN is not equal
    // to itself.
    func text(_ checkpoint: Checkpoint) -> [String] {
      checkpoint.values.filter { $0.type != "dict" || $0.value != .none }
        .map { "\($0)" }
    }
    #expect(text(copy) == text(source))
  }

  @Test("what is lost is listed by name, and refused")
  func losses() throws {
    let expected: [String: [String: String]] = [
      "shared": [
        "view": "shares memory with a", "inner_again": "the same as inner",
      ],
      "views": ["transposed": "strides"],
      "training": ["optimizer.state": "key 0"],
      "state_dict": ["_metadata": "attributes"],
      "bare": ["data": "becomes an item"],
      "parameters": ["plain": "Parameter", "buffer": "attributes"],
      "subclass": ["tagged": "plain tensor"],
    ]
    for (name, expectations) in expected {
      let source = try Checkpoint.open(Fixture.path("torch-2.13/\(name).pth"))
      try withTemporaryDirectory { folder in
        let target = folder.file("x")
        let found = try source.losses(savingTo: target, as: .dcp)
        for (path, text) in expectations {
          #expect(
            found.contains { $0.path == path && $0.reason.contains(text) },
            "\(name): \(found)"
          )
        }
        let error = #expect(throws: CheckpointError.self) {
          try source.save(to: target, as: .dcp)
        }
        #expect(error?.code == .lossy)
        #expect(try folder.names() == [])
      }
    }
  }

  @Test("an object without a flat form is refused with its key path")
  func refused() throws {
    let cycle = try Checkpoint.open(Fixture.path("torch-2.13/cycle.pth"))
    var deep = PythonValue.int(1)
    for _ in 0..<1200 { deep = .dict([(.string("a"), deep)]) }
    let nested = try Checkpoint(deep)
    let twice = try Checkpoint(
      .dict([
        (.string("a.b"), .int(1)),
        (.string("a"), .dict([(.string("b"), .int(2))])),
      ])
    )
    let cases: [(Checkpoint, CheckpointError.Code, String)] = [
      (cycle, .damaged, "self"), (nested, .limit, "a.a"),
      (twice, .unsupported, "a.b"),
    ]
    for (checkpoint, code, keyPath) in cases {
      try withTemporaryDirectory { folder in
        let error = #expect(throws: CheckpointError.self) {
          try checkpoint.save(
            to: folder.file("x"),
            as: .dcp,
            options: Self.lossy
          )
        }
        #expect(error?.code == code)
        #expect(error?.keyPath?.hasPrefix(keyPath) == true)
        let names = try folder.names()
        #expect(names == [])
      }
    }
  }

  @Test("a folder is replaced when asked for, and only one of its kind")
  func replaces() throws {
    let source = try Checkpoint(.dict([(.string("epoch"), .int(3))]))
    try withTemporaryDirectory { folder in
      let target = folder.file("x")
      let keep = WriteOptions(replacesExisting: false)
      try source.save(to: target + "/", as: .dcp, options: keep)
      let old = try readFile(target + "/.metadata")
      #expect(throws: FileError.self) {
        try source.save(to: target, as: .dcp, options: keep)
      }
      let other = try Checkpoint(.dict([(.string("loss"), .float(0.5))]))
      try other.save(to: target, as: .dcp)
      #expect(try readFile(target + "/.metadata") != old)
      #expect(try Checkpoint.open(target).values.map(\.path) == ["loss"])
      try writeFile([1], to: target + "/mine.txt")
      let error = #expect(throws: FileError.self) {
        try source.save(to: target, as: .dcp)
      }
      #expect(error?.description.contains("mine.txt") == true)
      #expect(try Checkpoint.open(target).values.map(\.path) == ["loss"])
      #expect(try folder.names() == ["x"])
      try writeFile([1], to: folder.file("file"))
      #expect(throws: FileError.self) {
        try source.save(to: folder.file("file"), as: .dcp)
      }
    }
  }
}

/// A pickle's object as indented text, without identities; of the metadata's
/// `storage_meta`, which names the writer's machine, only that it is there.
struct MetadataText {
  private(set) var text = ""
  private let graph: PickleGraph

  init(_ bytes: [UInt8]) throws {
    graph = try Unpickler.decode(PickleSource(bytes))
    write(graph.root, "")
  }

  private mutating func write(_ id: PickleGraph.NodeID, _ indent: String) {
    let deeper = indent + " "
    switch graph.kind(id) {
    case .none: text += "None\n"
    case .bool: text += "\(graph.bool(id) ?? false)\n"
    case .int: text += "\(graph.int(id) ?? 0)\n"
    case .string: text += "'\(graph.string(id) ?? "?")'\n"
    case .global:
      let global = graph.global(id)
      text += "\(global?.module ?? "?").\(global?.name ?? "?")\n"
    case .list, .tuple:
      text += "\(graph.kind(id))\n"
      for child in graph.children(id) {
        text += deeper
        write(child, deeper)
      }
    case .dict:
      text += "dict\n"
      for (key, value) in graph.pairs(id) {
        text += deeper
        write(key, deeper)
        guard graph.string(key) != "storage_meta" else { continue }
        text += deeper
        write(value, deeper)
      }
    case .object:
      guard let object = graph.object(id) else { return }
      text += "\(object.construction)\n"
      for part in [object.callable, object.arguments, object.state] {
        guard let part else { continue }
        text += deeper
        write(part, deeper)
      }
    default: text += "\(graph.kind(id))\n"
    }
  }
}
