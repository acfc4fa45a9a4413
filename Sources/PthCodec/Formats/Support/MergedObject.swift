internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Several files' state dicts put together as one object.
struct MergedObject {
  private var builder: GraphBuilder
  private var pairs: [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)] = []
  private let isOrdered: Bool
  private let shards: OrderedDictionary<String, Checkpoint>
  private var grafts: [String: GraphGraft] = [:]
  private var entries: [String: OrderedDictionary<String, Entry>] = [:]

  private typealias Entry = (key: PickleGraph.NodeID, value: PickleGraph.NodeID)

  /// Begins with nothing.
  ///
  /// - Returns: Nil where a file has no object of this kind, or one whose
  ///   storages an old container cuts into views.
  init?(_ shards: OrderedDictionary<String, Checkpoint>) {
    self.shards = shards
    var versions: Set<Bool> = []
    for (name, shard) in shards {
      guard let content = shard.ownPickle, content.archive != nil,
        let keys = GraphReader(content.graph).rootKeys()
      else { return nil }
      // Globals have one or the other Python's names.
      versions.insert(content.graph.protocolVersion >= 3)
      grafts[name] = GraphGraft(content)
      entries[name] = OrderedDictionary(
        uniqueKeysWithValues: zip(keys, content.graph.pairs(content.graph.root))
      )
    }
    guard versions.count == 1, let first = shards.values.first?.ownPickle else {
      return nil
    }
    builder = GraphBuilder(protocolVersion: first.graph.protocolVersion)
    isOrdered = first.graph.kind(first.graph.root) != .dict
  }

  /// Whether the files' entries are one object's: each where the index has it,
  /// and none in two files.
  func fits(_ places: OrderedDictionary<String, String>) -> Bool {
    var seen: Set<String> = []
    return places.allSatisfy { entries[$0.value]?[$0.key] != nil }
      && entries.values.allSatisfy { found in
        found.keys.allSatisfy { seen.insert($0).inserted }
      }
  }

  /// The object of all entries, in the order of the files and in that of each
  /// file: an index is sorted by name, where a model is not.
  ///
  /// - Throws: ``CheckpointError`` for what only a pickle of its own can hold.
  mutating func content() throws -> PickledContent {
    for file in entries.keys.sorted() {
      for key in entries[file]?.keys ?? [] { try append(key, of: file) }
    }
    let root = isOrdered ? builder.orderedDict() : builder.graph.addDict()
    builder.graph.setPairs(pairs, of: root)
    if isOrdered { try addState(to: root) }
    builder.setRoot(root)
    return builder.content()
  }

  private mutating func append(_ key: String, of file: String) throws {
    guard let entry = entries[file]?[key], var graft = grafts[file] else {
      return
    }
    grafts[file] = nil
    pairs.append(
      (
        try graft.copy(entry.key, into: &builder),
        try graft.copy(entry.value, into: &builder)
      )
    )
    grafts[file] = graft
  }

  /// The attributes of the first file's object, with all modules' versions.
  private mutating func addState(to root: PickleGraph.NodeID) throws {
    var versions: OrderedDictionary<String, Int> = [:]
    for shard in shards.values {
      versions.merge(shard.moduleVersions) { first, _ in first }
    }
    guard let (file, first) = shards.elements.first else { return }
    guard versions == first.moduleVersions else {
      return builder.setModuleVersions(versions, of: root)
    }
    if let graph = first.ownPickle?.graph,
      let state = graph.object(graph.root)?.state, var graft = grafts[file]
    {
      builder.graph.setState(
        try graft.copy(state, into: &builder),
        of: root
      )
    }
  }
}
