internal import Pickle
internal import Tensors

/// Builds the pickle `.metadata` of a distributed checkpoint of one rank.
///
/// Source: `metadata.py`, `default_planner.py` and `filesystem.py` in
/// `torch/distributed/checkpoint` of torch 2.13, and files that it wrote.
struct DCPMetadataOutput {
  private typealias NodeID = PickleGraph.NodeID
  private typealias Pair = (key: NodeID, value: NodeID)

  private static let module = "torch.distributed.checkpoint.metadata"

  private var builder = GraphBuilder(protocolVersion: 4)
  private var entries: [Pair] = []
  private var paths: [Pair] = []
  private var places: [Pair] = []
  private var names: [NodeID] = []
  private var keys: [NodeID: NodeID] = [:]
  private var layout: NodeID?
  private var memoryFormat: NodeID?
  private let items: [DCPItems.Item]

  /// - Parameter items: All items, in the object's order.
  init(_ items: [DCPItems.Item]) {
    self.items = items
    for item in items {
      let name = builder.graph.addString(item.name)
      names.append(name)
      entries.append((name, entry(item)))
      paths.append((name, builder.graph.addTuple(item.path.map { node($0) })))
    }
  }

  /// Notes where an item has been written.
  mutating func add(_ index: Int, at place: DCPMetadata.Place) {
    var facts: [Pair] = [
      (builder.constant("fqn"), names[index]),
      (builder.constant("index"), builder.graph.addNone()),
    ]
    if let tensor = items[index].tensor {
      facts[1].value = builder.graph.addInt(0)
      let offset = size(Array(repeating: 0, count: tensor.shape.count))
      facts.append((builder.constant("offset"), offset))
    }
    let key = object(Self.module, "MetadataIndex", facts)
    let value = object(
      "torch.distributed.checkpoint.filesystem",
      "_StorageInfo",
      [
        (builder.constant("relative_path"), builder.constant(place.file)),
        (builder.constant("offset"), builder.graph.addInt(place.offset)),
        (builder.constant("length"), builder.graph.addInt(place.length)),
      ]
    )
    places.append((key, value))
  }

  /// The pickle's bytes.
  mutating func encoded(path: String) throws -> [UInt8] {
    // Neither a path of this machine nor a random id is anybody's business.
    let meta = object(
      Self.module,
      "StorageMeta",
      [
        (builder.constant("checkpoint_id"), builder.graph.addNone()),
        (builder.constant("save_id"), builder.graph.addNone()),
        (builder.constant("load_id"), builder.graph.addNone()),
        (builder.constant("modules"), builder.graph.addList()),
      ]
    )
    builder.setRoot(
      object(
        Self.module,
        "Metadata",
        [
          (
            builder.constant("state_dict_metadata"),
            builder.graph.addDict(entries)
          ),
          (builder.constant("planner_data"), builder.graph.addDict(paths)),
          (builder.constant("storage_data"), builder.graph.addDict(places)),
          (builder.constant("storage_meta"), meta),
          (builder.constant("version"), builder.graph.addString("1.0.0")),
        ]
      )
    )
    return try builder.content().encoded(protocolVersion: 4, path: path)
  }

  private mutating func entry(_ item: DCPItems.Item) -> NodeID {
    guard let tensor = item.tensor else {
      return object(Self.module, "BytesStorageMetadata", nil)
    }
    let chunk = object(
      Self.module,
      "ChunkStorageMetadata",
      [
        (
          builder.constant("offsets"),
          size(Array(repeating: 0, count: tensor.shape.count))
        ),
        (builder.constant("sizes"), size(tensor.shape)),
      ]
    )
    return object(
      Self.module,
      "TensorStorageMetadata",
      [
        (builder.constant("properties"), properties(of: tensor)),
        (builder.constant("size"), size(tensor.shape)),
        (builder.constant("chunks"), builder.graph.addList([chunk])),
      ]
    )
  }

  /// `(dtype, layout, requires_grad, memory format, pinned)`.
  private mutating func properties(of tensor: Tensor) -> NodeID {
    let properties = object(Self.module, "TensorProperties", nil)
    let layout = layout ?? strided()
    self.layout = layout
    let format = memoryFormat ?? contiguousFormat()
    memoryFormat = format
    let state = builder.graph.addTuple([
      builder.global("torch", tensor.dtype.rawValue),
      layout,
      builder.graph.addBool(tensor.requiresGrad),
      format,
      builder.graph.addBool(false),
    ])
    builder.graph.setState(state, of: properties)
    return properties
  }

  private mutating func strided() -> NodeID {
    call(
      "torch.serialization",
      "_get_layout",
      [builder.constant("torch.strided")]
    )
  }

  /// The member of an Enum, as Python 3.11 pickles it.
  private mutating func contiguousFormat() -> NodeID {
    call(
      "builtins",
      "getattr",
      [
        builder.global(Self.module, "_MEM_FORMAT_ENCODING"),
        builder.constant("TORCH_CONTIGUOUS_FORMAT"),
      ]
    )
  }

  private mutating func size(_ numbers: [Int]) -> NodeID {
    let tuple = builder.graph.addTuple(numbers.map { builder.graph.addInt($0) })
    return call("torch", "Size", [tuple])
  }

  private mutating func node(_ step: DCPItems.Step) -> NodeID {
    switch step {
    case .index(let index): return builder.graph.addInt(index)
    case .key(let text, nil): return builder.graph.addString(text)
    case .key(let text, let source?):
      // A key that two paths go through is one object.
      if let known = keys[source] { return known }
      let node = builder.graph.addString(text)
      keys[source] = node
      return node
    }
  }

  private mutating func call(
    _ module: String,
    _ name: String,
    _ arguments: [NodeID]
  ) -> NodeID {
    let callable = builder.global(module, name)
    let tuple = builder.graph.addTuple(arguments)
    return builder.graph.addReduce(callable: callable, arguments: tuple)
  }

  /// An object of a dataclass with its attributes.
  private mutating func object(
    _ module: String,
    _ name: String,
    _ attributes: [Pair]?
  ) -> NodeID {
    let callable = builder.global(module, name)
    let id = builder.graph.addNewObj(
      callable: callable,
      arguments: builder.graph.addTuple([])
    )
    if let attributes {
      builder.graph.setState(builder.graph.addDict(attributes), of: id)
    }
    return id
  }
}
