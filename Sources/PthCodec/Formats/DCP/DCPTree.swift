internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Builds the nested object out of the flat items of a distributed checkpoint.
///
/// As `set_element` in `torch/distributed/checkpoint/_traverse.py` does it.
struct DCPTree {
  private typealias NodeID = PickleGraph.NodeID
  private typealias PathItem = DCPMetadata.PathItem

  private var builder = GraphBuilder()
  private var containers: [NodeID: Container] = [:]
  private let root: PickleGraph.NodeID
  private let limit: Int

  private enum Container {
    case dict(OrderedDictionary<String, NodeID>)
    case list([NodeID?])
  }

  /// - Parameter limit: The number of items, and so the longest list.
  init(limit: Int) {
    self.limit = limit
    root = builder.graph.addDict()
    containers[root] = .dict([:])
  }

  /// Adds a tensor.
  mutating func add(_ tensor: Tensor, at path: [DCPMetadata.PathItem]) throws {
    try set(builder.tensor(tensor), at: path)
  }

  /// Adds another value, with the tensors that it may hold.
  mutating func add(
    _ checkpoint: Checkpoint,
    at path: [DCPMetadata.PathItem]
  ) throws {
    guard let content = checkpoint.pickled else { return }
    var graft = GraphGraft(content)
    try set(
      try graft.copy(content.graph.root, into: &builder),
      at: path
    )
  }

  /// The object and its storages.
  mutating func content() throws -> PickledContent {
    for (id, container) in containers {
      switch container {
      case .dict(let items):
        builder.graph.setPairs(
          items.map { (builder.graph.addString($0), $1) },
          of: id
        )
      case .list(let items):
        builder.graph.setChildren(
          items.map { $0 ?? builder.graph.addNone() },
          of: id
        )
      }
    }
    builder.setRoot(root)
    return builder.content()
  }

  private mutating func set(
    _ node: NodeID,
    at path: [DCPMetadata.PathItem]
  ) throws {
    guard let last = path.last else {
      throw CheckpointError(.damaged, "the item has an empty path")
    }
    var current = root
    for (item, next) in zip(path, path.dropFirst()) {
      if let known = try child(item, of: current) {
        current = known
        continue
      }
      let isDict = if case .key = next { true } else { false }
      let new =
        isDict ? builder.graph.addDict() : builder.graph.addList()
      containers[new] = isDict ? .dict([:]) : .list([])
      try put(new, item, into: current)
      current = new
    }
    guard try child(last, of: current) == nil else {
      throw CheckpointError(.damaged, "two items have the same path")
    }
    try put(node, last, into: current)
  }

  private func child(
    _ item: DCPMetadata.PathItem,
    of id: NodeID
  ) throws -> NodeID? {
    switch (containers[id], item) {
    case (.dict(let items), .key(let key)): return items[key]
    case (.list(let items), .index(let index)):
      return items.indices.contains(index) ? items[index] : nil
    default:
      throw CheckpointError(
        .damaged,
        "the item's path leads through something that is no container"
      )
    }
  }

  private mutating func put(
    _ node: NodeID,
    _ item: DCPMetadata.PathItem,
    into id: NodeID
  ) throws {
    let container = containers.removeValue(forKey: id)
    switch (container, item) {
    case (.dict(var items), .key(let key)):
      items[key] = node
      containers[id] = .dict(items)
    case (.list(var items), .index(let index)):
      guard index >= 0, index < limit else {
        throw CheckpointError(.damaged, "a list has no place \(index)")
      }
      while items.count <= index { items.append(nil) }
      items[index] = node
      containers[id] = .list(items)
    default:
      throw CheckpointError(
        .damaged,
        "the item's path leads through something that is no container"
      )
    }
  }
}
