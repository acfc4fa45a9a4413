internal import Pickle

extension PickleGraph {
  /// Calls `body` with every node that the value has, each once, in the order
  /// in which its pickle first mentions them.
  ///
  /// - Parameter body: Takes a node.
  /// - Throws: What `body` throws.
  func forEachNodeInOrder<Failure: Error>(
    _ body: (NodeID) throws(Failure) -> Void
  ) throws(Failure) {
    var seen = [Bool](repeating: false, count: nodeCount)
    var pending: [NodeID] = [root]
    pending += discarded.reversed()
    while let id = pending.popLast() {
      guard !seen[id.index] else { continue }
      seen[id.index] = true
      try body(id)
      let start = pending.count
      appendReferences(of: id, to: &pending)
      pending.reverse(from: start)
    }
  }

  /// The nodes that a node refers to, in the pickle's order.
  func references(of id: NodeID) -> [NodeID] {
    var nodes: [NodeID] = []
    appendReferences(of: id, to: &nodes)
    return nodes
  }

  private func appendReferences(of id: NodeID, to nodes: inout [NodeID]) {
    switch kind(id) {
    case .list, .tuple, .set, .frozenSet:
      nodes += children(id)
      return
    case .dict:
      append(pairs(id), to: &nodes)
      return
    case .object:
      guard let object = object(id) else { return }
      nodes.append(object.callable)
      nodes.append(object.arguments)
      if let keywords = object.keywordArguments { nodes.append(keywords) }
    case .persistentID:
      if let inner = persistentID(id) { nodes.append(inner) }
    case .global, .extension: break
    default: return
    }
    guard hasChanges(id) else { return }
    for change in changes(id) {
      switch change {
      case .listItems(let items), .setItems(let items): nodes += items
      case .dictItems(let items): append(items, to: &nodes)
      case .state(let state), .call(let state): nodes.append(state)
      }
    }
  }

  private func append(_ pairs: Pairs, to nodes: inout [NodeID]) {
    for (key, value) in pairs {
      nodes.append(key)
      nodes.append(value)
    }
  }
}
