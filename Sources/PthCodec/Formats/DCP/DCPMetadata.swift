internal import OrderedCollections
internal import Pickle
internal import Tensors

/// What the file `.metadata` of a distributed checkpoint says.
///
/// Source: `torch/distributed/checkpoint/metadata.py` and `filesystem.py` of
/// torch 2.13.
struct DCPMetadata {
  /// A rectangular part of a tensor.
  struct Chunk: Hashable {
    /// Where it begins, in elements, one number for each dimension.
    let offsets: [Int]
    /// Its size in each dimension.
    let sizes: [Int]
  }

  /// What is known of a tensor before any of its bytes are read.
  struct TensorEntry {
    let dtype: DType
    let shape: [Int]
    let requiresGrad: Bool
    let chunks: [Chunk]
  }

  /// One item of the flat state dict.
  enum Entry {
    case tensor(TensorEntry)
    case object
  }

  /// Where an item or a tensor's part is.
  struct Place {
    let file: String
    let offset: Int
    let length: Int
  }

  /// Names an item, or the part of a tensor that begins at an offset.
  struct Index: Hashable {
    let name: String
    let offset: [Int]?
  }

  /// A step into the nested object: a dict's key or a list's index.
  enum PathItem: Hashable {
    case key(String)
    case index(Int)
  }

  /// The items by their flat names, in the file's order.
  private(set) var entries: OrderedDictionary<String, Entry> = [:]

  /// Where the items are.
  private(set) var places: [Index: Place] = [:]

  /// The items' paths through the nested object.
  private(set) var paths: [String: [PathItem]] = [:]

  private static let module = "torch.distributed.checkpoint.metadata"

  /// Reads the metadata.
  ///
  /// - Throws: ``CheckpointError`` with the opcode's offset for metadata of
  ///   another form.
  init(_ graph: PickleGraph) throws(CheckpointError) {
    let reader = GraphReader(graph)
    guard
      let global = graph.object(graph.root).flatMap({
        graph.global($0.callable)
      }), global.module == Self.module, global.name == "Metadata"
    else {
      throw reader.fault(graph.root, "it should be a distributed Metadata")
    }
    let items = try reader.field("state_dict_metadata", of: graph.root)
    for (key, value) in graph.pairs(items) {
      let name = try reader.text(key, "an item's name")
      do throws(CheckpointError) {
        entries[name] = try Self.entry(value, reader)
      } catch {
        throw error.located(keyPath: name)
      }
    }
    for (key, value) in graph.pairs(
      try reader.field("storage_data", of: graph.root)
    ) {
      let index = try Self.index(key, reader)
      do throws(CheckpointError) {
        places[index] = try Self.place(value, reader)
      } catch {
        throw error.located(keyPath: index.name)
      }
    }
    guard let data = reader.optionalField("planner_data", of: graph.root) else {
      return
    }
    for (key, value) in graph.pairs(data) where graph.kind(value) == .tuple {
      guard let name = graph.string(key) else { continue }
      paths[name] = try Self.path(value, reader)
    }
  }

  private static func entry(
    _ id: PickleGraph.NodeID,
    _ reader: GraphReader
  ) throws(CheckpointError) -> Entry {
    let graph = reader.graph
    let name = graph.object(id).flatMap { graph.global($0.callable)?.name }
    switch name {
    case "BytesStorageMetadata": return .object
    case "TensorStorageMetadata": break
    default:
      throw CheckpointError(
        .unsupported,
        "\(name ?? "\(graph.kind(id))") is no kind of item that is known",
        offset: reader.offset(id)
      )
    }
    let properties = try reader.field("properties", of: id)
    guard let state = graph.object(properties)?.state,
      graph.children(state).count >= 3
    else {
      throw reader.fault(properties, "a tensor's properties should be a tuple")
    }
    let facts = Array(graph.children(state))
    var chunks: [Chunk] = []
    for chunk in graph.children(try reader.field("chunks", of: id)) {
      chunks.append(
        Chunk(
          offsets: try reader.integers(
            reader.field("offsets", of: chunk),
            "a part's offsets"
          ),
          sizes: try reader.integers(
            reader.field("sizes", of: chunk),
            "a part's sizes"
          )
        )
      )
    }
    return .tensor(
      TensorEntry(
        dtype: try reader.dtype(facts[0]),
        shape: try reader.integers(
          reader.field("size", of: id),
          "the size"
        ),
        requiresGrad: graph.bool(facts[2]) ?? false,
        chunks: chunks
      )
    )
  }

  private static func index(
    _ id: PickleGraph.NodeID,
    _ reader: GraphReader
  ) throws(CheckpointError) -> Index {
    let offset = reader.optionalField("offset", of: id)
    return Index(
      name: try reader.text(reader.field("fqn", of: id), "an item's name"),
      offset: try offset.map { id throws(CheckpointError) in
        try reader.integers(id, "a part's offsets")
      }
    )
  }

  private static func place(
    _ id: PickleGraph.NodeID,
    _ reader: GraphReader
  ) throws(CheckpointError) -> Place {
    if let transforms = reader.optionalField("transform_descriptors", of: id),
      !reader.graph.children(transforms).isEmpty
    {
      throw CheckpointError(
        .unsupported,
        "the item's bytes were transformed by an extension of torch",
        offset: reader.offset(id)
      )
    }
    return Place(
      file: try reader.text(reader.field("relative_path", of: id), "a file"),
      offset: try reader.integer(reader.field("offset", of: id), "an offset"),
      length: try reader.integer(reader.field("length", of: id), "a length")
    )
  }

  private static func path(
    _ id: PickleGraph.NodeID,
    _ reader: GraphReader
  ) throws(CheckpointError) -> [PathItem] {
    var path: [PathItem] = []
    for part in reader.graph.children(id) {
      if let index = reader.graph.int(part) {
        path.append(.index(index))
      } else {
        path.append(.key(try reader.text(part, "a path's key")))
      }
    }
    return path
  }
}

extension GraphReader {
  /// An attribute in an object's state, None counting as missing.
  func optionalField(
    _ name: StaticString,
    of id: PickleGraph.NodeID
  ) -> PickleGraph.NodeID? {
    guard let state = graph.object(id)?.state, graph.kind(state) == .dict,
      let value = value(of: name, in: state), graph.kind(value) != .none
    else { return nil }
    return value
  }

  /// An attribute in an object's state.
  func field(
    _ name: StaticString,
    of id: PickleGraph.NodeID
  ) throws(CheckpointError) -> PickleGraph.NodeID {
    if let value = optionalField(name, of: id) { return value }
    throw fault(id, "\(typeName(id)) should have the attribute \(name)")
  }
}
