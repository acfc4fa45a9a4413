internal import Pickle
internal import Tensors

/// The words of the persistent id that was read last: a pickle has each of
/// them once, and refers to it from all its persistent ids.
struct StorageWords {
  fileprivate var storage: PickleGraph.NodeID?
  fileprivate var locationNode: PickleGraph.NodeID?
  fileprivate var location = ""
}

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
    var words = StorageWords()
    return try storageReference(id, &words)
  }

  /// The storage that a persistent id names, with words from the one before.
  ///
  /// - Throws: As ``storageReference(_:)`` does.
  func storageReference(
    _ id: PickleGraph.NodeID,
    _ words: inout StorageWords
  ) throws(CheckpointError) -> StorageReference {
    guard let pid = graph.persistentID(id), graph.kind(pid) == .tuple else {
      throw fault(id, "a tensor's storage should be a persistent id")
    }
    let parts = graph.children(pid)
    guard parts.count >= 5,
      parts[0] == words.storage || graph.string(parts[0], equals: "storage")
    else {
      throw fault(pid, "a persistent id should be a tuple ('storage', …)")
    }
    guard !isChanged(id) else {
      throw CheckpointError(
        .unsupported,
        "the storage is changed after it is found",
        offset: offset(id)
      )
    }
    words.storage = parts[0]
    if parts[3] != words.locationNode {
      words.location = try text(parts[3], "a storage's location")
      words.locationNode = parts[3]
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
      name: try storageKey(parts[2]),
      type: type,
      location: words.location,
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
  ) throws(CheckpointError) -> StorageKey {
    if graph.kind(id) == .string,
      let number = unsafe graph.withUnsafeBytes(
        of: id,
        { unsafe StorageKey(digits: $0) }
      ) ?? nil
    {
      return number
    }
    if let number = graph.int(id) { return StorageKey(String(number)) }
    return StorageKey(try text(id, "a storage's key"))
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
      key: try storageKey(parts[0]).text,
      offset: try integer(parts[1], "a view's offset"),
      count: try integer(parts[2], "a view's size")
    )
  }
}
