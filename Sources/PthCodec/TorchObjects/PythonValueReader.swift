internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Reads a checkpoint's object as plain Python values and tensors.
struct PythonValueReader {
  typealias NodeID = PickleGraph.NodeID

  let root: NodeID

  private let reader: GraphReader
  private let tensors: [NodeID: Tensor]

  /// Containers in containers; PyTorch's own have at most five.
  private static let maxDepth = 32

  /// - Returns: Nil for a checkpoint that has no Python object.
  init?(_ checkpoint: Checkpoint) throws {
    let checkpoint =
      checkpoint.needsUpdate ? try checkpoint.updated() : checkpoint
    guard let content = checkpoint.pickled else { return nil }
    reader = GraphReader(content.graph)
    root = content.graph.root
    var tensors: [NodeID: Tensor] = [:]
    for (name, node) in content.tensorNodes {
      tensors[node] = checkpoint.tensors[name]
    }
    self.tensors = tensors
  }

  /// The items of a dict or an OrderedDict.
  ///
  /// - Throws: ``CheckpointError`` for another type.
  func items(
    of id: NodeID,
    _ path: String
  ) throws(CheckpointError) -> PickleGraph.Pairs {
    guard reader.graph.kind(id) == .dict || reader.isMapping(id) else {
      throw fault(id, path, "should be a dict")
    }
    return reader.graph.pairs(id)
  }

  /// The elements of a list or tuple.
  ///
  /// - Throws: ``CheckpointError`` for another type.
  func elements(
    of id: NodeID,
    _ path: String
  ) throws(CheckpointError) -> PickleGraph.Children {
    guard [.list, .tuple].contains(reader.graph.kind(id)) else {
      throw fault(id, path, "should be a list")
    }
    return reader.graph.children(id)
  }

  /// A text.
  ///
  /// - Throws: ``CheckpointError`` for another type.
  func text(_ id: NodeID, _ path: String) throws(CheckpointError) -> String {
    guard let text = reader.graph.string(id) else {
      throw fault(id, path, "should be text")
    }
    return text
  }

  /// A value with everything in it.
  ///
  /// - Throws: ``CheckpointError`` for an object of a class.
  func value(
    _ id: NodeID,
    _ path: String,
    depth: Int = 0
  ) throws(CheckpointError) -> PythonValue {
    if let tensor = tensors[id] { return .tensor(tensor) }
    let graph = reader.graph
    guard depth < Self.maxDepth else {
      throw CheckpointError(
        .limit,
        "containers are nested deeper than \(Self.maxDepth)",
        keyPath: path
      )
    }
    switch graph.kind(id) {
    case .none: return .none
    case .bool: return .bool(graph.bool(id) ?? false)
    case .int: return .int(graph.int(id) ?? 0)
    case .float: return .float(graph.float(id) ?? 0)
    case .string: return .string(try text(id, path))
    case .list, .tuple:
      var elements: [PythonValue] = []
      for (index, child) in graph.children(id).enumerated() {
        elements.append(try value(child, "\(path).\(index)", depth: depth + 1))
      }
      return graph.kind(id) == .list ? .list(elements) : .tuple(elements)
    case .dict:
      var items: [(key: PythonValue, value: PythonValue)] = []
      for pair in graph.pairs(id) {
        let path = path + "." + reader.keyText(pair.key)
        items.append(
          (
            try value(pair.key, path, depth: depth + 1),
            try value(pair.value, path, depth: depth + 1)
          )
        )
      }
      return .dict(items)
    default: throw fault(id, path, "is no plain value")
    }
  }

  /// An error for a value of another type than is expected.
  func fault(
    _ id: NodeID,
    _ path: String,
    _ expected: String
  ) -> CheckpointError {
    CheckpointError(
      .mismatch,
      "the \(reader.typeName(id)) \(expected)",
      offset: reader.offset(id),
      keyPath: path
    )
  }
}
