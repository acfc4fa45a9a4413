extension PickleGraph {
  /// Appends to a list, adds to a set, or appends to an object's list items.
  ///
  /// Does nothing to a value of another kind.
  ///
  /// - Parameters:
  ///   - item: The new element.
  ///   - container: What it goes into.
  public mutating func append(_ item: NodeID, to container: NodeID) {
    switch kind(container) {
    case .list, .set: appendToContainer([item], container)
    case let kind where kind.isOpaque:
      appendToObject([item], container, \.listItems, ChangeCode.listItems)
    default: break
    }
  }

  /// Sets a key in a dictionary or in an object's dictionary items, after
  /// those that are there.
  ///
  /// Does nothing to a value of another kind.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - value: Its value.
  ///   - container: What they go into.
  public mutating func append(
    key: NodeID,
    value: NodeID,
    to container: NodeID
  ) {
    switch kind(container) {
    case .dict: appendToContainer([key, value], container)
    case let kind where kind.isOpaque:
      appendToObject(
        [key, value],
        container,
        \.dictItems,
        ChangeCode.dictItems
      )
    default: break
    }
  }

  /// Replaces everything in a dictionary.
  ///
  /// - Parameters:
  ///   - pairs: The new keys and values, in order.
  ///   - dictionary: The dictionary, or an object with dictionary items.
  public mutating func setPairs(
    _ pairs: [(key: NodeID, value: NodeID)],
    of dictionary: NodeID
  ) {
    guard kind(dictionary) == .dict else {
      return setDictItems(pairs, of: dictionary)
    }
    clearContainer(dictionary)
    appendToContainer(pairs.flatMap { [$0.key, $0.value] }, dictionary)
  }

  /// Replaces the elements of a list, tuple, set or frozen set.
  ///
  /// - Parameters:
  ///   - elements: The new elements, in order.
  ///   - container: What they go into; another kind is left as it is.
  public mutating func setChildren(
    _ elements: [NodeID],
    of container: NodeID
  ) {
    switch kind(container) {
    case .list, .tuple, .set, .frozenSet:
      clearContainer(container)
      appendToContainer(elements, container)
    default: break
    }
  }

  /// Replaces the items that an object is given by key.
  ///
  /// - Parameters:
  ///   - pairs: The new keys and values, in order.
  ///   - object: The object; another kind is left as it is.
  public mutating func setDictItems(
    _ pairs: [(key: NodeID, value: NodeID)],
    of object: NodeID
  ) {
    setItems(
      pairs.flatMap { [$0.key, $0.value] },
      of: object,
      \.dictItems,
      ChangeCode.dictItems
    )
  }

  /// Replaces the items that are appended to an object.
  ///
  /// - Parameters:
  ///   - items: The new items, in order.
  ///   - object: The object; another kind is left as it is.
  public mutating func setListItems(_ items: [NodeID], of object: NodeID) {
    setItems(items, of: object, \.listItems, ChangeCode.listItems)
  }

  /// Replaces the state that an object is given (BUILD), or takes it away.
  ///
  /// - Parameters:
  ///   - state: The new state, or nil for none.
  ///   - object: The object; another kind is left as it is.
  public mutating func setState(_ state: NodeID?, of object: NodeID) {
    guard kind(object).isOpaque else { return }
    makeUnique()
    let record = arena.storage.record(of: object.index)
    removeChanges(ChangeCode.state, record)
    arena.storage.records[record].state = state?.raw ?? noNode
    if let state { arena.storage.note(ChangeCode.state, state.raw, in: record) }
  }

  /// Makes a node what another is: whatever refers to `id` has that value
  /// from then on.
  ///
  /// - Parameters:
  ///   - id: The node that changes.
  ///   - other: What it becomes; it stays a node of its own.
  public mutating func replace(_ id: NodeID, with other: NodeID) {
    guard id != other else { return }
    makeUnique()
    var node = node(other)
    switch node.kind {
    case .list, .tuple, .set, .frozenSet, .dict:
      // A run of its own, so that one can grow without the other.
      let elements = elements(of: node)
      node.payload = 0
      node.flags.remove(.roomy)
      arena.storage.nodes[id.index] = node
      appendToContainer(elements, id)
    default:
      if node.has(.recorded) {
        var record = arena.storage.records[Int(node.payload)]
        // What is full moves before it grows.
        record.listItems.capacity = record.listItems.count
        record.dictItems.capacity = record.dictItems.count
        record.setItems.capacity = record.setItems.count
        record.changes = copy(record.changes)
        node.payload = UInt64(arena.storage.records.count)
        arena.storage.records.append(record)
      }
      arena.storage.nodes[id.index] = node
    }
  }

  // MARK: Pieces

  private func elements(of node: Node) -> [NodeID] {
    Array(Children(arena, start: Int(node.low), count: Int(node.high)))
  }

  private mutating func copy(_ run: Run) -> Run {
    var copy = Run()
    let elements = Array(children(run))
    unsafe withRaw(elements) { storage, items in
      unsafe storage.append(items, count: elements.count, to: &copy)
    }
    return copy
  }

  private mutating func clearContainer(_ id: NodeID) {
    makeUnique()
    arena.storage.nodes[id.index].payload = 0
    arena.storage.nodes[id.index].flags.remove(.roomy)
    arena.storage.nodes[id.index].flags.remove(.hashable)
  }

  private mutating func appendToContainer(_ items: [NodeID], _ id: NodeID) {
    makeUnique()
    unsafe withRaw(items) { storage, start in
      unsafe storage.append(start, count: items.count, toContainer: id.index)
    }
  }

  private mutating func appendToObject(
    _ items: [NodeID],
    _ id: NodeID,
    _ run: WritableKeyPath<ObjectRecord, Run>,
    _ code: UInt32
  ) {
    makeUnique()
    let index = arena.storage.record(of: id.index)
    unsafe withRaw(items) { storage, start in
      var grown = storage.records[index][keyPath: run]
      unsafe storage.append(start, count: items.count, to: &grown)
      storage.records[index][keyPath: run] = grown
      storage.note(code, UInt32(items.count), in: index)
    }
  }

  private mutating func setItems(
    _ items: [NodeID],
    of id: NodeID,
    _ run: WritableKeyPath<ObjectRecord, Run>,
    _ code: UInt32
  ) {
    guard kind(id).isOpaque else { return }
    makeUnique()
    let index = arena.storage.record(of: id.index)
    arena.storage.records[index][keyPath: run] = Run()
    let others = otherChanges(code, index)
    arena.storage.records[index].changes = Run()
    // Python writes list items, dictionary items, then the state.
    let first = others.filter { $0.0 < code }
    for (code, value) in first { arena.storage.note(code, value, in: index) }
    appendToObject(items, id, run, code)
    for (other, value) in others where other > code {
      arena.storage.note(other, value, in: index)
    }
  }

  private mutating func removeChanges(_ code: UInt32, _ index: Int) {
    let others = otherChanges(code, index)
    arena.storage.records[index].changes = Run()
    for (code, value) in others {
      arena.storage.note(code, value, in: index)
    }
  }

  private func otherChanges(
    _ code: UInt32,
    _ record: Int
  ) -> [(UInt32, UInt32)] {
    pairs(arena.storage.records[record].changes)
      .map { ($0.key.raw, $0.value.raw) }
      .filter { $0.0 != code }
  }
}
