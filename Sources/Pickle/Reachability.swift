extension PickleGraph {
  /// A set of nodes, one bit each.
  package struct NodeSet {
    private var words: [UInt64]

    package init(capacity: Int) {
      words = Array(repeating: 0, count: capacity / 64 + 1)
    }

    package func contains(_ id: NodeID) -> Bool {
      words[id.index / 64] >> UInt64(id.index % 64) & 1 != 0
    }

    /// Adds a node.
    ///
    /// - Returns: Whether it was not there before.
    @discardableResult
    package mutating func insert(_ id: NodeID) -> Bool {
      let bit: UInt64 = 1 << UInt64(id.index % 64)
      defer { words[id.index / 64] |= bit }
      return words[id.index / 64] & bit == 0
    }
  }

  /// Every node that can be reached, each looked at once.
  func reachable(from roots: [NodeID]) -> NodeSet {
    var seen = NodeSet(capacity: nodeCount)
    var pending = roots
    while let id = pending.popLast() {
      guard seen.insert(id) else { continue }
      forEachReference(of: id) { pending.append($0) }
    }
    return seen
  }

  /// Calls `body` with every node that a node refers to.
  func forEachReference(of id: NodeID, _ body: (NodeID) -> Void) {
    let node = node(id)
    switch node.kind {
    case .list, .tuple, .set, .frozenSet, .dict:
      for i in 0..<Int(node.high) {
        body(NodeID(arena.storage.children[Int(node.low) + i]))
      }
      return
    case .object:
      let payload = arena.storage.payload(of: id.index)
      body(NodeID(UInt32(truncatingIfNeeded: payload)))
      body(NodeID(UInt32(truncatingIfNeeded: payload >> 32)))
    case .persistentID:
      let payload = arena.storage.payload(of: id.index)
      body(NodeID(UInt32(truncatingIfNeeded: payload)))
    default: break
    }
    guard let record = record(id) else { return }
    if record.keywordArguments != noNode {
      body(NodeID(record.keywordArguments))
    }
    for run in [record.listItems, record.dictItems, record.setItems] {
      for child in children(run) { body(child) }
    }
    for (code, value) in pairs(record.changes)
    where code.raw == ChangeCode.state || code.raw == ChangeCode.call {
      body(value)
    }
  }
}
