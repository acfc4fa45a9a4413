internal import OrderedCollections
internal import Pickle
internal import Tensors

extension PickledContent {
  /// The object with persistent ids as zip archives have them.
  ///
  /// Keys are `0`, `1` … in the order of first mention; views of storages
  /// become offsets; classes stand for themselves, without their source. What
  /// only old versions of torch or Python wrote gets the form that
  /// `torch.save(torch.load(file))` would give it.
  ///
  /// - Throws: ``CheckpointError`` for a persistent id of another form.
  func inZipForm() throws -> PickledContent {
    var content = self
    content.legacy = nil
    if archive == nil {
      content.graph.redirect(content.graph.classesByPersistentID())
      content.graph.decodePython2Text()
    }
    var editor = GraphEditor(content)
    if legacy != nil { editor.modernizeCalls() }
    try editor.numberStorages()
    content.graph = editor.graph
    content.storages = editor.storages
    return content
  }
}

extension PickleGraph {
  /// The classes that legacy files name as `('module', class, file, source)`.
  ///
  /// - Returns: For each such persistent id its class.
  func classesByPersistentID() -> [NodeID: NodeID] {
    var classes: [NodeID: NodeID] = [:]
    for id in nodes {
      guard let pid = persistentID(id), kind(pid) == .tuple,
        let first = children(pid).first, string(first, equals: "module"),
        children(pid).count > 1
      else { continue }
      classes[id] = children(pid)[1]
    }
    return classes
  }

  /// Turns Python 2's byte strings into text where they are UTF-8, as
  /// `torch.load` does.
  mutating func decodePython2Text() {
    for id in nodes where isPython2String(id) {
      guard let text = string(id) else { continue }
      replace(id, with: addString(text))
    }
  }
}

extension GraphEditor {
  /// Turns `_rebuild_tensor`, without requires_grad and hooks, into the call
  /// that torch makes since 0.4.
  mutating func modernizeCalls() {
    for call in TensorCalls(graph).calls
    where call.function == .rebuildTensor && !call.isWrapped {
      rewrite(
        call,
        function: "_rebuild_tensor_v2",
        arguments: call.arguments.prefix(4)
          + [graph.addBool(false), orderedDict()]
      )
    }
  }
}
