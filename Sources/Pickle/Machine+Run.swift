extension Machine {
  /// Carries out opcodes up to the STOP.
  ///
  /// - Returns: The pickle's value.
  mutating func run() throws(PickleError) -> UInt32 {
    while true {
      opcodeOffset = position
      guard position < end else { throw truncation(needed: 1) }
      let byte = unsafe base.load(fromByteOffset: position, as: UInt8.self)
      position &+= 1
      guard let opcode = Opcode(rawValue: byte) else {
        throw failure(.unknownOpcode(byte))
      }
      switch opcode {
      case .stop:
        try need(1)
        let root = top()
        stack.removeLast()
        return root
      case .proto: try runProto()
      case .frame: try runFrame()
      case .mark: try pushMark()
      case .pop: try runPop()
      case .popMark: try runPopMark()
      case .dup:
        try need(1)
        try push(top())

      case .none: try make(.none)
      case .newTrue: try make(.bool, 1)
      case .newFalse: try make(.bool, 0)
      case .binInt1:
        isBinary = true
        try make(.int, UInt64(readByte()))
      case .binInt2:
        isBinary = true
        try make(.int, UInt64(read(UInt16.self)))
      case .binInt:
        isBinary = true
        try make(.int, UInt64(bitPattern: Int64(read(Int32.self))))
      case .long1: try runLong(length: readByte(), header: 2)
      case .long4: try runLong4()
      case .int: try runIntLine()
      case .long: try runLongLine()
      case .binFloat:
        isBinary = true
        try make(.float, read(UInt64.self).byteSwapped)
      case .float: try runFloatLine()

      case .binUnicode:
        try pushString(length: Int(read(UInt32.self)), header: 5)
      case .shortBinUnicode:
        try pushString(length: readByte(), header: 2)
      case .binUnicode8: try pushString(length: readLength8(), header: 9)
      case .unicode: try runUnicodeLine()
      case .shortBinString: try pushPython2(length: readByte(), header: 2)
      case .binString: try runBinString()
      case .string: try runQuotedLine()
      case .shortBinBytes:
        try pushBytes(.bytes, length: readByte(), header: 2)
      case .binBytes:
        try pushBytes(.bytes, length: Int(read(UInt32.self)), header: 5)
      case .binBytes8:
        try pushBytes(.bytes, length: readLength8(), header: 9)
      case .byteArray8:
        try pushBytes(.byteArray, length: readLength8(), header: 9)
      case .nextBuffer:
        try make(.buffer, bufferCount)
        bufferCount &+= 1
      case .readOnlyBuffer: try runReadOnlyBuffer()

      case .emptyTuple:
        isBinary = true
        try make(.tuple)
      case .tuple1: try runTuple(1)
      case .tuple2: try runTuple(2)
      case .tuple3: try runTuple(3)
      case .tuple: try runFromMark(.tuple)
      case .emptyList: try make(.list)
      case .list: try runFromMark(.list)
      case .append: try runAppend()
      case .appends: try runAppends()
      case .emptyDict: try make(.dict)
      case .dict: try runDict()
      case .setItem: try runSetItem()
      case .setItems: try runSetItems()
      case .emptySet: try make(.set)
      case .addItems: try runAddItems()
      case .frozenSet: try runFrozenSet()

      case .binPut:
        isBinary = true
        try memoPut(readByte())
      case .longBinPut: try memoPut(Int(read(UInt32.self)))
      case .put: try memoPut(readMemoLine())
      case .memoize: try memoPut(memoCount)
      case .binGet: try memoGet(readByte())
      case .longBinGet: try memoGet(Int(read(UInt32.self)))
      case .get: try memoGet(readMemoLine())

      case .global: try runGlobal()
      case .stackGlobal: try runStackGlobal()
      case .ext1: try runExtension(readByte())
      case .ext2: try runExtension(Int(read(UInt16.self)))
      case .ext4: try runExtension(Int(read(Int32.self)))
      case .reduce: try runCall(.reduce)
      case .newObj: try runCall(.newObj)
      case .newObjEx: try runNewObjEx()
      case .inst: try runInst()
      case .obj: try runObj()
      case .build: try runBuild()
      case .binPersID: try runBinPersistentID()
      case .persID: try runPersistentIDLine()
      }
    }
  }

  private mutating func runProto() throws(PickleError) {
    let version = try readByte()
    guard version <= 5 else { throw failure(.unsupportedProtocol(version)) }
    protocolVersion = version
    hasProtocol = true
  }

  private mutating func runFrame() throws(PickleError) {
    let length = try readLength8()
    guard length <= end - position else { throw truncation(needed: length) }
  }

  /// Drops the top of the stack: an item, or else a mark.
  private mutating func runPop() throws(PickleError) {
    if marks.count > 0 && fence == stack.count {
      _ = try popMark()
      return
    }
    try need(1)
    let popped = top()
    stack.removeLast()
    if !attachSetter(popped) && !attachAttempt(popped) { drop(popped) }
  }

  private mutating func runPopMark() throws(PickleError) {
    let mark = try popMark()
    for i in mark..<stack.count { drop(stack[i]) }
    stack.removeLast(stack.count - mark)
  }

  /// Takes `setter(object, state)` that is called and dropped at once, with
  /// the object below it, for a change to the object: so does Python write
  /// what a `state_setter` does.
  private mutating func attachSetter(_ id: UInt32) -> Bool {
    let node = arena.nodes[Int(id)]
    guard node.isKind(.object), !node.has(.recorded),
      // Made by the very last opcode, so nothing else refers to it.
      node.offset == opcodeOffset - 1, stack.count > fence
    else { return false }
    let arguments = arena.nodes[Int(node.high)]
    let target = top()
    guard arguments.isKind(.tuple), arguments.high == 2,
      arena.children[Int(arguments.low)] == target,
      kind(target).isOpaque
    else { return false }
    arena.note(ChangeCode.call, id, in: arena.record(of: Int(target)))
    return true
  }

  /// Takes a call that is dropped at once, for the object that is fetched
  /// from the memo in its place.
  ///
  /// So does Python write an object that is found within its own arguments.
  private mutating func attachAttempt(_ id: UInt32) -> Bool {
    let node = arena.nodes[Int(id)]
    guard node.isKind(.object), !node.has(.recorded),
      node.offset == opcodeOffset - 1,
      let target = nextFetched(), target != id,
      arena.nodes[Int(target)].isKind(.object), attempts[target] == nil
    else { return false }
    attempts[target] = id
    return true
  }

  /// What the next opcode fetches from the memo, if it does that.
  private mutating func nextFetched() -> UInt32? {
    let start = position
    defer { position = start }
    guard let byte = try? readByte(),
      let opcode = Opcode(rawValue: UInt8(truncatingIfNeeded: byte))
    else { return nil }
    let index: Int?
    switch opcode {
    case .binGet: index = try? readByte()
    case .longBinGet: index = (try? read(UInt32.self)).map { Int($0) }
    case .get: index = try? readMemoLine()
    default: index = nil
    }
    return index.flatMap { memoized($0) }
  }

  // MARK: The memo

  private func memoized(_ index: Int) -> UInt32? {
    if index >= 0 && index < memo.count, memo[index] != noNode {
      return memo[index]
    }
    return UInt32(exactly: index).flatMap { sparseMemo[$0] }
  }

  @inline(__always)
  private mutating func memoPut(_ index: Int) throws(PickleError) {
    try need(1)
    let id = top()
    if index == memo.count && sparseMemo.isEmpty && index < limits.maxMemo {
      memo.append(id)
      memoCount &+= 1
    } else {
      try memoPutAnywhere(index, id)
    }
  }

  @inline(never)
  private mutating func memoPutAnywhere(
    _ index: Int,
    _ id: UInt32
  ) throws(PickleError) {
    guard let key = UInt32(exactly: index) else {
      throw failure(
        .invalidArgument(
          expected: "a memo index below 2^32",
          found: "\(index)"
        )
      )
    }
    let isNew =
      index < memo.count
      ? memo[index] == noNode && sparseMemo[key] == nil
      : sparseMemo[key] == nil
    if isNew {
      guard memoCount < limits.maxMemo else {
        throw failure(.limitExceeded(name: "maxMemo", limit: limits.maxMemo))
      }
      memoCount += 1
    }
    if index < memo.count {
      memo[index] = id
    } else if index < 256 + 2 * memoCount {
      memo.append(repeating: noNode, count: index - memo.count)
      memo.append(id)
    } else {
      sparseMemo[key] = id
    }
  }

  @inline(__always)
  private mutating func memoGet(_ index: Int) throws(PickleError) {
    if index >= 0 && index < memo.count {
      let id = memo[unchecked: index]
      if id != noNode { return try push(id) }
    }
    guard let id = memoized(index) else { throw failure(.memoMiss(index)) }
    try push(id)
  }
}
