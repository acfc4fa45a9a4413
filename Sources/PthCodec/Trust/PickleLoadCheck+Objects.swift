internal import Pickle

extension PickleLoadCheck {
  /// Whether a persistent id is one of a class with its source, as files of
  /// torch before 1.6 have for modules: `('module', class, file, source)`.
  func isModule(_ id: PickleGraph.NodeID) -> Bool {
    guard let pid = graph.persistentID(id), graph.kind(pid) == .tuple else {
      return false
    }
    let parts = Array(graph.children(pid))
    return parts.count == 4 && graph.string(parts[0], equals: "module")
  }

  /// Whether a part of a persistent id is what a call gives.
  func isComputed(_ id: PickleGraph.NodeID) -> Bool {
    guard let pid = graph.persistentID(id), graph.kind(pid) == .tuple else {
      return false
    }
    return graph.children(pid).contains { graph.kind($0) == .object }
  }

  /// Calls that fail whatever the modules are: of what is no function, and
  /// states that no class takes.
  func addImpossibleCalls(to found: inout FindingList) {
    for id in graph.nodes {
      if let object = graph.object(id), !isCallable(object.callable) {
        found.add(.error) {
          finding(
            .error,
            "not-callable",
            graph.offset(id),
            paths.path(of: id),
            "the pickle calls a value that is no function"
          )
        }
      }
      if graph.kind(id) == .global, changesClass(id) {
        found.add(.error) {
          finding(
            .error,
            "changes-class",
            graph.offset(id),
            paths.path(of: id),
            "the pickle gives a class a state, which Python refuses"
          )
        }
      }
    }
  }

  private func isCallable(_ id: PickleGraph.NodeID) -> Bool {
    switch graph.kind(id) {
    case .global, .extension, .persistentID: return true
    case .object:
      guard let object = graph.object(id),
        let (module, name) = graph.global(object.callable)
      else { return true }
      // Only what is known to give data: a module can be called.
      return
        !(module == "collections"
        || module == "torch._utils" && name.hasPrefix("_rebuild"))
    default: return false
    }
  }

  /// Whether BUILD would set attributes in a class's own dictionary, which is
  /// read-only; attributes behind a pair's second part are set one by one.
  private func changesClass(_ id: PickleGraph.NodeID) -> Bool {
    guard graph.hasChanges(id) else { return false }
    let isModule =
      graph.global(id)?.module.hasPrefix("torch.nn.modules.") ?? false
    return graph.changes(id).contains { change in
      guard case .state(let state) = change else { return false }
      return isModule
        || graph.kind(state) == .dict && !graph.pairs(state).isEmpty
    }
  }
}
