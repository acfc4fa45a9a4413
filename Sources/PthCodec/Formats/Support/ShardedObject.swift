internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A state dict whose entries are written to several files, each with the
/// object's own class, attributes and values.
///
/// Every entry stays what it is: a parameter, a sparse tensor, a number.
struct ShardedObject {
  /// Entries that belong into one file, and their tensors' bytes.
  private(set) var groups: [(names: [String], byteCount: Int)] = []

  private let checkpoint: Checkpoint

  /// Takes an object apart.
  ///
  /// - Returns: Nil for an object that is no state dict: that has tensors
  ///   deeper than in its root's entries, or keys that are no text.
  init?(_ checkpoint: Checkpoint) {
    guard let content = checkpoint.ownPickle,
      let keys = GraphReader(content.graph).rootKeys(),
      let places = try? ObjectPlaces(content)
    else { return nil }
    self.checkpoint = checkpoint
    guard let entries = Self.entries(checkpoint, places, content.graph) else {
      return nil
    }
    // Tensors that share memory share it only within one file, and so do
    // values, which take no room.
    var owners: [ObjectIdentifier: Int] = [:]
    var groupOf: [Int: Int] = [:]
    var sizes: [Int] = [0]
    for (pair, storages) in entries.enumerated() {
      guard !storages.isEmpty else {
        groupOf[pair] = 0
        continue
      }
      let known = Set(storages.compactMap { owners[ObjectIdentifier($0)] })
      let group = known.min() ?? sizes.count
      if known.isEmpty { sizes.append(0) }
      for other in known where other != group {
        // A tensor of parts joins what its parts are shared with.
        owners = owners.mapValues { $0 == other ? group : $0 }
        groupOf = groupOf.mapValues { $0 == other ? group : $0 }
        sizes[group] =
          sizes[group].addingReportingOverflow(sizes[other]).partialValue
        sizes[other] = 0
      }
      groupOf[pair] = group
      for storage in storages where owners[ObjectIdentifier(storage)] == nil {
        owners[ObjectIdentifier(storage)] = group
        if !storage.isMeta {
          sizes[group] =
            sizes[group].addingReportingOverflow(storage.byteCount).partialValue
        }
      }
    }
    groups = sizes.map { ([], $0) }
    for (pair, key) in keys.enumerated() {
      groups[groupOf[pair] ?? 0].names.append(key)
    }
    groups.removeAll { $0.names.isEmpty }
  }

  /// The storages of the tensors in each of the root's entries.
  private static func entries(
    _ checkpoint: Checkpoint,
    _ places: ObjectPlaces,
    _ graph: PickleGraph
  ) -> [[Storage]]? {
    var entries = [[Storage]](
      repeating: [],
      count: graph.pairs(graph.root).count
    )
    let names = SortedNames(checkpoint.tensors.keys)
    for place in places.places {
      guard let parent = place.parent else { continue }
      // An object that contains itself can't be in several files.
      guard place.node != graph.root else { return nil }
      guard place.isTensor else { continue }
      guard let name = place.name, parent == 0,
        case .pair(let pair) = place.slot, pair < entries.count
      else { return nil }
      // A sparse tensor has those of its parts.
      let parts =
        checkpoint.tensors[name].map { [$0] }
        ?? names.under(name).compactMap { checkpoint.tensors[$0] }
      entries[Int(pair)] = parts.map(\.storage)
    }
    return entries
  }

  /// The state dict of some of the entries.
  func part(_ names: some Sequence<String>) throws -> Checkpoint {
    let names = Set(names)
    return try checkpoint.edited { editor in
      let graph = editor.graph
      let pairs = graph.pairs(graph.root).filter { key, _ in
        graph.string(key).map { names.contains($0) } ?? false
      }
      editor.graph.setPairs(Array(pairs), of: graph.root)
      return true
    }
  }
}

extension GraphReader {
  /// The keys of a state dict; nil for a root that is none.
  func rootKeys() -> [String]? {
    guard graph.kind(graph.root) == .dict || isPlainOrderedDict(graph.root)
    else { return nil }
    var keys: OrderedSet<String> = []
    for (key, _) in graph.pairs(graph.root) {
      guard graph.kind(key) == .string, let text = graph.string(key),
        keys.append(text).inserted
      else { return nil }
    }
    return Array(keys)
  }

  /// Whether an object is an `OrderedDict` whose entries are set after it is
  /// made, as Python writes it.
  fileprivate func isPlainOrderedDict(_ id: PickleGraph.NodeID) -> Bool {
    guard let call = call(id), case .orderedDict = call.function else {
      return false
    }
    return call.arguments.isEmpty
  }
}
