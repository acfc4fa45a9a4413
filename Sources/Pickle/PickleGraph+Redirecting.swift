extension PickleGraph {
  /// Lets everything that refers to some nodes refer to others instead.
  ///
  /// Unlike ``replace(_:with:)`` this joins nodes: what was two values of one
  /// identity in Python becomes one.
  ///
  /// - Parameter targets: For each node the one that takes its place.
  public mutating func redirect(_ targets: [NodeID: NodeID]) {
    guard !targets.isEmpty else { return }
    makeUnique()
    for index in 0..<nodeCount {
      var node = arena.storage.nodes[index]
      switch node.kind {
      case .list, .tuple, .set, .frozenSet, .dict:
        redirect(
          Run(start: node.low, count: node.high),
          step: 1,
          targets
        )
        continue
      case .object, .persistentID: break
      case let kind where kind.isOpaque: break
      default: continue
      }
      if node.has(.recorded) {
        let record = Int(truncatingIfNeeded: node.payload)
        redirectRecord(record, node.kind, targets)
      } else {
        node.payload = redirected(node.payload, node.kind, targets)
        arena.storage.nodes[index] = node
      }
    }
    root = targets[root] ?? root
    discarded = discarded.map { targets[$0] ?? $0 }
  }

  /// The payload of an object or a persistent id with other nodes.
  private func redirected(
    _ payload: UInt64,
    _ kind: Kind,
    _ targets: [NodeID: NodeID]
  ) -> UInt64 {
    let low = UInt32(truncatingIfNeeded: payload)
    let high = UInt32(truncatingIfNeeded: payload >> 32)
    switch kind {
    case .object:
      return UInt64(redirected(low, targets))
        | UInt64(redirected(high, targets)) << 32
    case .persistentID:
      return UInt64(redirected(low, targets)) | UInt64(high) << 32
    default: return payload
    }
  }

  private func redirected(
    _ raw: UInt32,
    _ targets: [NodeID: NodeID]
  ) -> UInt32 {
    raw == noNode ? raw : (targets[NodeID(raw)]?.raw ?? raw)
  }

  private mutating func redirectRecord(
    _ index: Int,
    _ kind: Kind,
    _ targets: [NodeID: NodeID]
  ) {
    var record = arena.storage.records[index]
    record.payload = redirected(record.payload, kind, targets)
    record.keywordArguments = redirected(record.keywordArguments, targets)
    record.state = redirected(record.state, targets)
    arena.storage.records[index] = record
    redirect(record.listItems, step: 1, targets)
    redirect(record.dictItems, step: 1, targets)
    redirect(record.setItems, step: 1, targets)
    redirect(record.changes, step: 2, targets)
  }

  /// Redirects a run of nodes; with a step of 2, one of codes and values.
  private mutating func redirect(
    _ run: Run,
    step: Int,
    _ targets: [NodeID: NodeID]
  ) {
    let start = Int(run.start)
    for place in stride(from: start, to: start + Int(run.count), by: step) {
      guard step == 2 else {
        let raw = arena.storage.children[place]
        arena.storage.children[place] = redirected(raw, targets)
        continue
      }
      let code = arena.storage.children[place]
      guard code == ChangeCode.state || code == ChangeCode.call else {
        continue
      }
      let raw = arena.storage.children[place + 1]
      arena.storage.children[place + 1] = redirected(raw, targets)
    }
  }
}
