/// Tells where in a pickle's value each node is first used.
///
/// Calls, their arguments and persistent ids add nothing to a path: what is
/// in them is at the place of what they give.
package struct KeyPaths {
  private typealias NodeID = PickleGraph.NodeID

  /// How a node is reached: from which one, and by which key or index.
  private struct Step {
    var parent = noNode
    var label = Label.none

    enum Label: Equatable {
      case none
      /// As the arguments of a call: their own places say nothing.
      case arguments
      case index(UInt32)
      case key(UInt32)
    }
  }

  private static let maxLength = 1000

  private let graph: PickleGraph
  private let steps: [Step]
  private let seen: PickleGraph.NodeSet

  /// Walks through the graph, each node once, in the order of the pickle.
  package init(_ graph: PickleGraph) {
    // Of its own until all is known: a copy of `self` would share these, and
    // each change copy them.
    var steps = Array(repeating: Step(), count: graph.nodeCount)
    var seen = PickleGraph.NodeSet(capacity: graph.nodeCount)
    var pending: [(id: NodeID, step: Step)] = [(graph.root, Step())]
    while let (id, step) = pending.popLast() {
      guard seen.insert(id) else { continue }
      steps[id.index] = step
      let start = pending.count
      Self.collect(id, step.label, graph) { child, label in
        guard !seen.contains(child) else { return }
        let step = Step(parent: id.raw, label: label)
        if Self.isLeaf(child, graph) {
          // There may be millions, and nothing is behind them.
          seen.insert(child)
          steps[child.index] = step
        } else {
          pending.append((child, step))
        }
      }
      pending.reverse(from: start)
    }
    self.graph = graph
    self.steps = steps
    self.seen = seen
  }

  /// The path of a node, empty for the root, nil for a node that is not in
  /// the value.
  package func path(of id: PickleGraph.NodeID) -> String? {
    guard seen.contains(id) else { return nil }
    var labels: [String] = []
    var current = id
    // A longer path is cut at the front; nobody could read it, and thousands
    // of names under one long key must not take its length each.
    var room = Self.maxLength
    for _ in 0..<100 {
      let step = steps[current.index]
      let label: String? =
        switch step.label {
        case .none, .arguments: nil
        case .index(let index): "\(index)"
        case .key(let key): text(of: NodeID(key))
        }
      if let label {
        labels.append(label)
        room -= label.utf8.count + 1
        guard room > 0 else { break }
      }
      guard step.parent != noNode else {
        return labels.reversed().joined(separator: ".")
      }
      current = NodeID(step.parent)
    }
    return "…." + labels.reversed().joined(separator: ".")
  }

  private func text(of key: NodeID) -> String {
    if let text = graph.string(key) {
      return text.utf8.count <= 200 ? text : text.prefix(60) + "…"
    }
    if let number = graph.int(key) { return "\(number)" }
    if let flag = graph.bool(key) { return flag ? "True" : "False" }
    return "(\(graph.kind(key)))"
  }

  private static func isLeaf(_ id: NodeID, _ graph: PickleGraph) -> Bool {
    switch graph.kind(id) {
    case .object, .global, .persistentID, .extension: false
    case .dict: graph.pairs(id).isEmpty
    case .list, .tuple, .set, .frozenSet: graph.children(id).isEmpty
    default: true
    }
  }

  private static func collect(
    _ id: NodeID,
    _ label: Step.Label,
    _ graph: PickleGraph,
    _ body: (NodeID, Step.Label) -> Void
  ) {
    switch graph.kind(id) {
    case .tuple where label == .arguments:
      for child in graph.children(id) { body(child, .none) }
    case .list, .tuple, .set, .frozenSet:
      each(graph.children(id), body)
    case .dict: each(graph.pairs(id), body)
    case .object:
      guard let object = graph.object(id) else { return }
      body(object.callable, .none)
      body(object.arguments, .arguments)
      if let keywords = object.keywordArguments { body(keywords, .none) }
    case .persistentID:
      if let inner = graph.persistentID(id) { body(inner, .arguments) }
    case .global:
      if let nodes = graph.globalNameNodes(id) {
        body(nodes.module, .none)
        body(nodes.name, .none)
      }
    default: break
    }
    guard graph.hasChanges(id) else { return }
    for change in graph.changes(id) {
      switch change {
      case .listItems(let items), .setItems(let items): each(items, body)
      case .dictItems(let items): each(items, body)
      case .state(let state), .call(let state): body(state, .none)
      }
    }
  }

  private static func each(
    _ items: PickleGraph.Children,
    _ body: (NodeID, Step.Label) -> Void
  ) {
    for (index, item) in items.enumerated() {
      body(item, .index(UInt32(truncatingIfNeeded: index)))
    }
  }

  private static func each(
    _ items: PickleGraph.Pairs,
    _ body: (NodeID, Step.Label) -> Void
  ) {
    for (key, value) in items {
      body(key, .key(key.raw))
      body(value, .key(key.raw))
    }
  }
}
