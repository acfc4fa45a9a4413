internal import Pickle

/// A module's tensors under the names that `state_dict()` gives them.
enum ModuleParts {
  typealias NodeID = PickleGraph.NodeID

  /// Parameters and buffers, those that are not saved left out.
  static func stateDict(
    of root: NodeID,
    _ reader: GraphReader
  ) -> [(name: String, tensor: NodeID)] {
    let graph = reader.graph
    var result: [(name: String, tensor: NodeID)] = []
    // A module that holds itself has no state dict: each is taken once a path.
    var pending: [(id: NodeID, prefix: String, above: [NodeID])] = [
      (root, "", [])
    ]
    while let (id, prefix, above) = pending.popLast() {
      guard let state = graph.object(id)?.state, !above.contains(id) else {
        continue
      }
      let hidden = Set(
        reader.value(of: "_non_persistent_buffers_set", in: state)
          .map { reader.setTexts($0) } ?? []
      )
      for part: StaticString in ["_parameters", "_buffers"] {
        guard let dict = reader.value(of: part, in: state) else { continue }
        for (key, value) in graph.pairs(dict)
        where graph.kind(value) != .none {
          let name = reader.keyText(key)
          guard !hidden.contains(name) else { continue }
          result.append((prefix + name, tensor(value, reader)))
        }
      }
      let modules = reader.value(of: "_modules", in: state)
      let children = modules.map { Array(graph.pairs($0)) } ?? []
      for (key, value) in children.reversed()
      where graph.kind(value) != .none {
        pending.append(
          (value, prefix + reader.keyText(key) + ".", above + [id])
        )
      }
    }
    return result
  }

  /// The tensor of a parameter, as `state_dict()` gives it.
  private static func tensor(
    _ id: NodeID,
    _ reader: GraphReader
  ) -> NodeID {
    guard let call = reader.call(id),
      call.function == .rebuildParameter
        || call.function == .rebuildParameterWithState
    else { return id }
    return call.arguments.first ?? id
  }
}
