internal import OrderedCollections
internal import Pickle
internal import Tensors

extension PickledContent {
  /// The object with persistent ids as legacy files have them.
  ///
  /// Keys are decimal numbers in the place of memory addresses, a new text at
  /// each mention; behind the count stands `None` for "no view".
  ///
  /// - Returns: Itself where it comes from a legacy file.
  /// - Throws: ``CheckpointError`` for a storage that the format can't hold.
  func inLegacyForm() throws -> PickledContent {
    guard legacy == nil else { return self }
    var content = try inZipForm()
    content.archive = nil
    let reader = GraphReader(content.graph)
    var references: [(pid: PickleGraph.NodeID, key: String)] = []
    content.graph.forEachNodeInOrder { id in
      guard reader.isStorage(id), let pid = content.graph.persistentID(id),
        content.graph.children(pid).count > 2
      else { return }
      let key = content.graph.children(pid)[2]
      references.append((pid, content.graph.string(key) ?? ""))
    }
    var keys: [String: String] = [:]
    for (index, key) in content.storages.keys.enumerated() {
      keys[key] = String(Self.firstAddress + index * Self.addressStep)
    }
    var done: Set<PickleGraph.NodeID> = []
    for (pid, key) in references where done.insert(pid).inserted {
      var parts = Array(content.graph.children(pid).prefix(5))
      parts[2] = content.graph.addString(keys[key] ?? key)
      parts.append(content.graph.addNone())
      content.graph.setChildren(parts, of: pid)
    }
    content.storages = OrderedDictionary(
      uniqueKeysWithValues: content.storages.map { (keys[$0] ?? $0, $1) }
    )
    return content
  }

  // Addresses of one length, so that their order as text is that of numbers.
  private static let firstAddress = 94_000_000_000_000
  private static let addressStep = 64
}
