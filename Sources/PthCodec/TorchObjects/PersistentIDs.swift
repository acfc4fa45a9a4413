internal import Pickle
internal import Tensors

extension GraphReader {
  /// The storage that a persistent id names.
  ///
  /// `('storage', type, key, location, count)`, in legacy files with a view
  /// behind: `(view_key, offset, size)` or None.
  ///
  /// - Throws: ``CheckpointError`` for a persistent id of another form.
  func storageReference(
    _ id: PickleGraph.NodeID
  ) throws(CheckpointError) -> StorageReference {
    guard let pid = graph.persistentID(id), graph.kind(pid) == .tuple else {
      throw fault(id, "a tensor's storage should be a persistent id")
    }
    let parts = graph.children(pid)
    guard parts.count >= 5, graph.string(parts[0], equals: "storage") else {
      throw fault(pid, "a persistent id should be a tuple ('storage', …)")
    }
    guard let type = storageType(parts[1]) else {
      let name = graph.global(parts[1]).map { "\($0.module).\($0.name)" }
      throw CheckpointError(
        .unsupported,
        "\(name ?? "\(graph.kind(parts[1]))") is no storage type of torch 2.13",
        offset: offset(parts[1])
      )
    }
    return StorageReference(
      key: try storageKey(parts[2]),
      type: type,
      location: try text(parts[3], "a storage's location"),
      count: try integer(parts[4], "a storage's size"),
      view: parts.count > 5 ? try storageView(parts[5]) : nil
    )
  }

  /// Whether a node is a persistent id that names a storage.
  func isStorage(_ id: PickleGraph.NodeID) -> Bool {
    guard let pid = graph.persistentID(id), graph.kind(pid) == .tuple,
      let first = graph.children(pid).first
    else { return false }
    return graph.string(first, equals: "storage")
  }

  private func storageKey(
    _ id: PickleGraph.NodeID
  ) throws(CheckpointError) -> String {
    if let number = graph.int(id) { return String(number) }
    return try text(id, "a storage's key")
  }

  private func storageView(
    _ id: PickleGraph.NodeID
  ) throws(CheckpointError) -> StorageViewReference? {
    guard graph.kind(id) != .none else { return nil }
    let parts = Array(graph.children(id))
    guard graph.kind(id) == .tuple, parts.count == 3 else {
      throw fault(id, "a storage's view should be (key, offset, size)")
    }
    return StorageViewReference(
      key: try storageKey(parts[0]),
      offset: try integer(parts[1], "a view's offset"),
      count: try integer(parts[2], "a view's size")
    )
  }
}
