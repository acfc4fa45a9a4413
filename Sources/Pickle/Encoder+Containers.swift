extension Encoder {
  /// What is begun: a value whose parts are being written.
  struct Task: BitwiseCopyable {
    var kind: Kind
    var isReentry = false
    var node: UInt32
    /// The run of children.
    var start: UInt32 = 0
    var count: UInt32 = 0
    /// How many of the children, or which step, comes next.
    var position: UInt32 = 0
    /// How many list, dictionary and set items of an object are written.
    var used = SIMD4<UInt32>()

    enum Kind: UInt8, BitwiseCopyable {
      case tuple, frozenSet
      case list, dict, set
      case listItems, dictItems, setItems
      case setAsCall
      case object, attempt, changes, setter
      case oldObject, persistentID
    }
  }

  /// Goes on with the innermost task.
  mutating func step() throws(PickleError) {
    let place = tasks.count - 1
    switch tasks[place].kind {
    case .tuple: try stepTuple(place)
    case .frozenSet: try stepFrozenSet(place)
    case .list, .listItems:
      try stepItems(place, 1, .append, .appends)
    case .dict, .dictItems:
      try stepItems(place, 2, .setItem, .setItems)
    case .set, .setItems:
      try stepItems(place, 1, .addItems, .addItems)
    case .setAsCall: finishSetAsCall()
    case .object, .attempt: try stepObject(place)
    case .oldObject: try stepOldObject(place)
    case .changes: try stepChanges(place)
    case .setter: try stepSetter(place)
    case .persistentID: finishPersistentID()
    }
  }

  /// Writes children until all are done or one has to be gone into.
  ///
  /// - Returns: Whether all are done.
  @inline(__always)
  mutating func saveChildren(
    _ place: Int,
    upTo end: Int
  ) throws(PickleError) -> Bool {
    let start = Int(tasks[place].start)
    var position = Int(tasks[place].position)
    while position < end {
      let child = arena.storage.children[start &+ position]
      position &+= 1
      try save(child)
      if tasks.count != place &+ 1 {
        tasks[place].position = UInt32(truncatingIfNeeded: position)
        return false
      }
    }
    tasks[place].position = UInt32(truncatingIfNeeded: position)
    return true
  }

  mutating func begin(_ task: Task) {
    if task.isReentry { reentries += 1 }
    tasks.append(task)
  }

  mutating func end(_ task: Task) {
    if task.isReentry { reentries -= 1 }
    tasks.removeLast()
  }

  private mutating func run(
    _ kind: Task.Kind,
    _ id: UInt32,
    _ node: Node,
    isReentry: Bool = false
  ) -> Task {
    Task(
      kind: kind,
      isReentry: isReentry,
      node: id,
      start: node.low,
      count: node.high
    )
  }

  // MARK: Tuples

  mutating func saveTuple(_ id: UInt32, _ node: Node, _ isReentry: Bool) {
    if node.high == 0 { return out.saveEmptyTuple() }
    out.beginTuple(Int(node.high))
    memo[Int(id)] = Self.inProgress
    begin(run(.tuple, id, node, isReentry: isReentry))
  }

  private mutating func stepTuple(_ place: Int) throws(PickleError) {
    let count = Int(tasks[place].count)
    guard try saveChildren(place, upTo: count) else { return }
    let task = tasks[place]
    end(task)
    let known = memo[Int(task.node)]
    let isShort = version >= 2 && count <= 3
    if known < Self.inProgress {
      // It was written within itself: drop the elements and take that one.
      if isShort || version == 0 {
        for _ in 0..<count + (isShort ? 0 : 1) { out.emit(.pop) }
      } else {
        out.emit(.popMark)
      }
      return out.memoGet(known)
    }
    out.endTuple(count)
    memoPut(task.node)
  }

  // MARK: Lists, dictionaries, sets

  mutating func saveList(_ id: UInt32, _ node: Node) {
    emitEmpty(.emptyList, .list)
    memoPut(id)
    if node.high > 0 { begin(run(version == 0 ? .listItems : .list, id, node)) }
  }

  mutating func saveDict(_ id: UInt32, _ node: Node) {
    emitEmpty(.emptyDict, .dict)
    memoPut(id)
    if node.high > 0 { begin(run(version == 0 ? .dictItems : .dict, id, node)) }
  }

  private mutating func emitEmpty(_ opcode: Opcode, _ oldOpcode: Opcode) {
    if version >= 1 {
      out.emit(opcode)
    } else {
      out.emit(.mark)
      out.emit(oldOpcode)
    }
  }

  mutating func saveSet(
    _ id: UInt32,
    _ node: Node,
    _ isReentry: Bool
  ) throws(PickleError) {
    if version >= 4 {
      if node.isKind(.set) {
        out.emit(.emptySet)
        memoPut(id)
        if node.high > 0 { begin(run(.set, id, node)) }
      } else {
        out.emit(.mark)
        memo[Int(id)] = Self.inProgress
        begin(run(.frozenSet, id, node, isReentry: isReentry))
      }
      return
    }
    // The type is called with a list of the elements.
    saveBuiltin(node.isKind(.set) ? "set" : "frozenset")
    if version < 2 { out.emit(.mark) }
    emitEmpty(.emptyList, .list)
    _ = out.memoPutNew()
    memo[Int(id)] = Self.inProgress
    begin(run(.setAsCall, id, node, isReentry: isReentry))
    if node.high > 0 { begin(run(version == 0 ? .listItems : .list, id, node)) }
  }

  private mutating func finishSetAsCall() {
    let task = tasks[tasks.count - 1]
    end(task)
    out.emit(version >= 2 ? .tuple1 : .tuple)
    _ = out.memoPutNew()
    out.emit(.reduce)
    finishCall(task.node)
  }

  private mutating func stepFrozenSet(_ place: Int) throws(PickleError) {
    guard try saveChildren(place, upTo: Int(tasks[place].count)) else {
      return
    }
    let task = tasks[place]
    end(task)
    let known = memo[Int(task.node)]
    if known < Self.inProgress {
      out.emit(.popMark)
      out.memoGet(known)
    } else {
      out.emit(.frozenSet)
      memoPut(task.node)
    }
  }

  /// Writes items in batches, as CPython does: for its own list, dictionary
  /// and set types a little otherwise than for iterators.
  private mutating func stepItems(
    _ place: Int,
    _ unit: Int,
    _ single: Opcode,
    _ batch: Opcode
  ) throws(PickleError) {
    let task = tasks[place]
    let count = Int(task.count)
    if version == 0 { return try stepSingly(place, unit, single) }
    let batchLength = Self.batchSize * unit
    var position = Int(task.position)
    while true {
      let inBatch = position % batchLength
      if inBatch == 0 || position == count {
        if position > 0 {
          let size = inBatch == 0 ? batchLength : inBatch
          out.emit(isSingle(task, size, unit) ? single : batch)
        }
        if position == count {
          if inBatch == 0 && (task.kind == .dict || task.kind == .set) {
            // CPython looks for more only after a new mark.
            out.emit(.mark)
            out.emit(batch)
          }
          return end(task)
        }
        let size = min(batchLength, count - position)
        if !isSingle(task, size, unit) { out.emit(.mark) }
      }
      let batchEnd = min(
        count,
        position - position % batchLength + batchLength
      )
      guard try saveChildren(place, upTo: batchEnd) else { return }
      position = batchEnd
    }
  }

  /// Whether a batch has one item and is written without a mark.
  private mutating func isSingle(_ task: Task, _ size: Int, _ unit: Int) -> Bool
  {
    guard size == unit else { return false }
    switch task.kind {
    case .list, .dict: return Int(task.count) == unit
    case .listItems, .dictItems: return true
    default: return false
    }
  }

  /// Protocol 0 has an opcode after every item.
  private mutating func stepSingly(
    _ place: Int,
    _ unit: Int,
    _ opcode: Opcode
  ) throws(PickleError) {
    while true {
      let position = Int(tasks[place].position)
      let count = Int(tasks[place].count)
      if position > 0 && position % unit == 0 { out.emit(opcode) }
      if position == count { return end(tasks[place]) }
      guard try saveChildren(place, upTo: position + 1) else { return }
    }
  }
}
