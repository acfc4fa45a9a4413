internal import Pickle

extension Sanitizer {
  /// Turns tuples that hold themselves into lists: they could only be written
  /// with an opcode that is refused.
  mutating func breakTupleCycles() throws(CheckpointError) {
    for id in Self.cyclicTuples(in: editor.graph) {
      let children = Array(editor.graph.children(id))
      try replace(
        id,
        with: editor.graph.addList(children),
        from: "tuple that holds itself",
        to: "list"
      )
    }
  }

  /// The tuples on cycles.
  private static func cyclicTuples(in graph: PickleGraph) -> [NodeID] {
    guard graph.nodes.contains(where: { graph.kind($0) == .tuple }) else {
      return []
    }
    // Nodes leave the stack with the lowest place that they lead back to: a
    // node is on a cycle if that place is its own or before.
    var place = [Int](repeating: 0, count: graph.nodeCount)
    var low = place
    var isOpen = [Bool](repeating: false, count: graph.nodeCount)
    var frames: [(id: NodeID, next: [NodeID], at: Int)] = []
    var component: [NodeID] = []
    var count = 0
    var found: [NodeID] = []
    func enter(_ id: NodeID) {
      count += 1
      place[id.index] = count
      low[id.index] = count
      isOpen[id.index] = true
      component.append(id)
      frames.append((id, graph.references(of: id), 0))
    }
    enter(graph.root)
    while let last = frames.last {
      let id = last.id
      if last.at < last.next.count {
        frames[frames.count - 1].at += 1
        let next = last.next[last.at]
        if place[next.index] == 0 {
          enter(next)
        } else if isOpen[next.index] {
          low[id.index] = min(low[id.index], place[next.index])
        }
        continue
      }
      frames.removeLast()
      if let parent = frames.last?.id {
        low[parent.index] = min(low[parent.index], low[id.index])
      }
      guard low[id.index] == place[id.index] else { continue }
      var members: [NodeID] = []
      while let member = component.popLast() {
        isOpen[member.index] = false
        members.append(member)
        if member == id { break }
      }
      guard members.count > 1 else { continue }
      found += members.reversed().filter { graph.kind($0) == .tuple }
    }
    return found
  }
}
