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
    var place = [UInt32](repeating: 0, count: graph.nodeCount)
    var low = place
    var isOpen = [Bool](repeating: false, count: graph.nodeCount)
    var frames: [(id: NodeID, at: UInt32, next: [NodeID])] = []
    var component: [NodeID] = []
    var count: UInt32 = 0
    var found: [NodeID] = []
    func enter(_ id: NodeID) {
      count += 1
      place[id.index] = count
      low[id.index] = count
      isOpen[id.index] = true
      component.append(id)
      frames.append((id, 0, graph.references(of: id)))
    }
    enter(graph.root)
    while let top = frames.indices.last {
      let id = frames[top].id
      let at = Int(frames[top].at)
      if at < frames[top].next.count {
        let next = frames[top].next[at]
        frames[top].at += 1
        // A long chain would else keep a list for each of its tuples.
        if at + 1 == frames[top].next.count { frames[top].next = [] }
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
