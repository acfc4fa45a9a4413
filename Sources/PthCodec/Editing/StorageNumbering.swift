internal import OrderedCollections
internal import Pickle
internal import Tensors

extension GraphEditor {
  /// Leaves out storages that nothing mentions, and names the others `0`, `1` …
  /// in the order of their first mention, as `torch.save` does.
  ///
  /// - Throws: ``CheckpointError`` for a persistent id of another form, and a
  ///   bare view of a storage, which only old files have.
  mutating func numberStorages() throws {
    let reader = GraphReader(graph)
    var references: [(id: NodeID, pid: NodeID, to: StorageReference)] = []
    var isMentioned = [Bool](repeating: false, count: graph.nodeCount)
    var failure: CheckpointError?
    graph.forEachNodeInOrder { id in
      guard failure == nil, reader.isStorage(id),
        let pid = graph.persistentID(id)
      else { return }
      do throws(CheckpointError) {
        references.append((id, pid, try reader.storageReference(id)))
        isMentioned[id.index] = true
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    try moveViews(references.map { ($0.id, $0.to) })
    var numbered: OrderedDictionary<String, StorageEntry> = [:]
    var keys: [String: NodeID] = [:]
    var done: Set<NodeID> = []
    for (_, pid, reference) in references {
      guard let entry = storages[reference.key] else {
        throw CheckpointError(
          .damaged,
          "there is no storage \(reference.key)"
        )
      }
      let parts = Array(graph.children(pid))
      if keys[reference.key] == nil {
        let key = String(numbered.count)
        numbered[key] = entry
        let isKept = graph.string(parts[2], equals: key)
        // Python makes a new text of a number, also of one digit.
        keys[reference.key] = isKept ? parts[2] : graph.addString(key)
      }
      guard let key = keys[reference.key], done.insert(pid).inserted,
        key != parts[2] || parts.count > 5
      else { continue }
      graph.setChildren([parts[0], parts[1], key, parts[3], parts[4]], of: pid)
    }
    storages = numbered
    // What is left behind by an edit must not be taken for a mention.
    let none = graph.addNone()
    for id in graph.nodes
    where id.index < isMentioned.count && !isMentioned[id.index]
      && reader.isStorage(id)
    {
      graph.replace(id, with: none)
    }
  }

  /// Turns views of storages, as old legacy files have them, into offsets.
  private mutating func moveViews(
    _ references: [(id: NodeID, to: StorageReference)]
  ) throws {
    let views = Dictionary(
      references.compactMap { id, reference in
        reference.view.map { (id, $0.offset) }
      },
      uniquingKeysWith: { first, _ in first }
    )
    guard !views.isEmpty else { return }
    var moved: Set<NodeID> = []
    for call in TensorCalls(graph).calls {
      guard let offset = views[call.storage] else { continue }
      moved.insert(call.storage)
      let (sum, overflow) =
        (graph.int(call.arguments[1]) ?? 0).addingReportingOverflow(offset)
      guard !overflow else {
        throw CheckpointError(.damaged, "a view's offset is \(offset)")
      }
      var arguments = call.arguments
      arguments[1] = graph.addInt(sum)
      rewrite(call, arguments: arguments)
    }
    guard moved.count == views.count else {
      throw CheckpointError(
        .unsupported,
        "a part of a storage stands without a tensor"
      )
    }
  }
}
