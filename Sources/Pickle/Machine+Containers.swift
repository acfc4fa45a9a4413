extension Machine {
  /// Refuses more children than 32 bits can count.
  @inline(__always)
  mutating func roomForChildren(_ count: Int) throws(PickleError) {
    guard arena.children.count &+ 2 &* count < ArenaStorage.maxChildren else {
      throw failure(
        .limitExceeded(name: "children", limit: ArenaStorage.maxChildren)
      )
    }
  }

  /// Moves items from the stack to a new run of children, and makes a node
  /// of them.
  @inline(__always)
  private mutating func collect(
    _ kind: PickleGraph.Kind,
    from place: Int
  ) throws(PickleError) -> Node {
    let count = stack.count &- place
    try roomForChildren(count)
    let start = arena.children.count
    if count > 0 {
      unsafe arena.children.append(from: stackPointer(place), count: count)
      stack.removeLast(count)
    }
    return Node(
      kind,
      offset: opcodeOffset,
      low: UInt32(truncatingIfNeeded: start),
      high: UInt32(truncatingIfNeeded: count)
    )
  }

  @inline(__always)
  mutating func runTuple(_ count: Int) throws(PickleError) {
    try need(count)
    try roomForChildren(count)
    let start = arena.children.count
    let place = stack.count &- count
    let target = unsafe arena.children.extend(by: count)
    for i in 0..<count {
      unsafe target[i] = stack[unchecked: place &+ i]
    }
    stack.removeLast(count)
    try make(
      Node(
        .tuple,
        offset: opcodeOffset,
        low: UInt32(truncatingIfNeeded: start),
        high: UInt32(truncatingIfNeeded: count)
      )
    )
  }

  mutating func runFromMark(_ kind: PickleGraph.Kind) throws(PickleError) {
    try make(collect(kind, from: popMark()))
  }

  /// The items above the topmost mark as a tuple that is not pushed.
  mutating func collectArguments(from place: Int) throws(PickleError) -> UInt32
  {
    try add(collect(.tuple, from: place))
  }

  mutating func runDict() throws(PickleError) {
    let mark = try popMark()
    try checkPairs(from: mark)
    try make(collect(.dict, from: mark))
  }

  mutating func runFrozenSet() throws(PickleError) {
    let mark = try popMark()
    for i in mark..<stack.count { try checkHashable(stack[i]) }
    try make(collect(.frozenSet, from: mark))
  }

  // MARK: Filling

  mutating func runAppend() throws(PickleError) {
    try need(2)
    try fill(.list, from: stack.count - 1)
  }

  mutating func runAppends() throws(PickleError) {
    try fill(.list, from: popMark())
  }

  mutating func runSetItem() throws(PickleError) {
    try need(3)
    try fill(.dict, from: stack.count - 2)
  }

  mutating func runSetItems() throws(PickleError) {
    try fill(.dict, from: popMark())
  }

  mutating func runAddItems() throws(PickleError) {
    try fill(.set, from: popMark())
  }

  /// Moves the items from `place` on into the container or object below them.
  private mutating func fill(
    _ container: PickleGraph.Kind,
    from place: Int
  ) throws(PickleError) {
    guard place > fence else {
      throw underflow(needed: stack.count - place + 1)
    }
    let count = stack.count &- place
    // As in CPython, nothing is asked of what nothing is added to.
    guard count > 0 else { return }
    let id = Int(stack[place &- 1])
    let node = arena.nodes[id]
    if node.isKind(container) {
      try roomForChildren(2 &* (count &+ Int(node.high)))
      switch container {
      case .dict: try checkPairs(from: place)
      case .set:
        for i in place..<stack.count { try checkHashable(stack[i]) }
      default: break
      }
      unsafe arena.append(
        stackPointer(place),
        count: count,
        toContainer: id
      )
    } else if node.kind.isOpaque {
      try fillObject(id, container, from: place)
    } else {
      throw failure(
        .wrongKind(
          expected: container.phrase + " or an object",
          found: node.kind
        )
      )
    }
    stack.removeLast(count)
  }

  private mutating func fillObject(
    _ id: Int,
    _ container: PickleGraph.Kind,
    from place: Int
  ) throws(PickleError) {
    let count = stack.count - place
    let index = arena.record(of: id)
    var record = arena.records[index]
    let code: UInt32
    let items = unsafe stackPointer(place)
    switch container {
    case .dict:
      guard count % 2 == 0 else { throw failure(.oddItemCount(count)) }
      try roomForChildren(2 * (count + Int(record.dictItems.count)))
      unsafe arena.append(items, count: count, to: &record.dictItems)
      code = ChangeCode.dictItems
    case .set:
      try roomForChildren(2 * (count + Int(record.setItems.count)))
      unsafe arena.append(items, count: count, to: &record.setItems)
      code = ChangeCode.setItems
    default:
      try roomForChildren(2 * (count + Int(record.listItems.count)))
      unsafe arena.append(items, count: count, to: &record.listItems)
      code = ChangeCode.listItems
    }
    arena.records[index] = record
    arena.note(code, UInt32(truncatingIfNeeded: count), in: index)
  }

  // MARK: Keys

  @inline(__always)
  private mutating func checkPairs(from place: Int) throws(PickleError) {
    let count = stack.count &- place
    guard count & 1 == 0 else { throw failure(.oddItemCount(count)) }
    var i = place
    while i < stack.count {
      try checkHashable(stack[unchecked: i])
      i &+= 2
    }
  }

  /// Refuses a key that Python can't hash.
  @inline(__always)
  private mutating func checkHashable(_ id: UInt32) throws(PickleError) {
    let node = arena.nodes[Int(id)]
    // Most keys are strings and integers.
    guard node.kindByte > PickleGraph.Kind.bytes.rawValue else { return }
    try checkHashableContainer(id, node)
  }

  @inline(never)
  private mutating func checkHashableContainer(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    switch node.kind {
    case .list, .dict, .set, .byteArray, .buffer:
      throw failure(.unhashable(node.kind))
    case .tuple: try checkHashableTuple(id)
    default: break
    }
  }

  /// Looks through nested tuples, into each only once.
  private mutating func checkHashableTuple(_ id: UInt32) throws(PickleError) {
    var pending = [id]
    while let id = pending.popLast() {
      let node = arena.nodes[Int(id)]
      switch node.kind {
      case .list, .dict, .set, .byteArray, .buffer:
        throw failure(.unhashable(node.kind))
      case .tuple where !node.has(.hashable):
        arena.nodes[Int(id)].flags.insert(.hashable)
        for i in 0..<Int(node.high) {
          pending.append(arena.children[Int(node.low) + i])
        }
      default: break
      }
    }
  }
}
