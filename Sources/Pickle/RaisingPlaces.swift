/// The calls that stand where certain data can't: a reader refuses a set that is
/// called, but not what a call of `set` gives.
struct RaisingPlaces {
  private typealias NodeID = PickleGraph.NodeID

  /// Calls that are called themselves, or unpacked as arguments.
  private(set) var called: Set<PickleGraph.NodeID> = []

  /// Calls and tuples that are keys or elements of sets, or within such a tuple.
  private(set) var hashed: Set<PickleGraph.NodeID> = []

  /// Tuples of `hashed` whose elements are still to be looked at.
  private var pending: [PickleGraph.NodeID] = []

  init() {}

  /// - Parameters:
  ///   - graph: What is going to be written.
  ///   - makesSet: Whether a call makes a set of a list.
  init(_ graph: PickleGraph, makesSet: (PickleGraph.NodeID) -> Bool) {
    for index in 0..<graph.nodeCount {
      let id = NodeID(UInt32(truncatingIfNeeded: index))
      switch graph.kind(id) {
      case .dict: addKeys(of: id, graph)
      case .set, .frozenSet: addHashed(graph.children(id), graph)
      case .object:
        guard let object = graph.object(id) else { continue }
        addCalled(object.callable, graph)
        addCalled(object.arguments, graph)
        if let keywords = object.keywordArguments { addCalled(keywords, graph) }
        if let record = graph.record(id) {
          addKeys(of: id, graph)
          addHashed(graph.children(record.setItems), graph)
        }
        if makesSet(id), let list = graph.children(object.arguments).first {
          addHashed(graph.children(list), graph)
        }
      default: continue
      }
    }
    while let tuple = pending.popLast() {
      addHashed(graph.children(tuple), graph)
    }
  }

  private mutating func addCalled(_ id: NodeID, _ graph: PickleGraph) {
    if graph.kind(id) == .object { called.insert(id) }
  }

  private mutating func addKeys(of id: NodeID, _ graph: PickleGraph) {
    for (key, _) in graph.pairs(id) { addHashed(key, graph) }
  }

  private mutating func addHashed(
    _ elements: PickleGraph.Children,
    _ graph: PickleGraph
  ) {
    for element in elements { addHashed(element, graph) }
  }

  private mutating func addHashed(_ id: NodeID, _ graph: PickleGraph) {
    switch graph.kind(id) {
    case .object: hashed.insert(id)
    case .tuple: if hashed.insert(id).inserted { pending.append(id) }
    default: break
    }
  }
}
