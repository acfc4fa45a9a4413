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
      // Raw values make one jump table; the enum's initializer would be a
      // second one.
      switch byte {
      case Opcode.stop.rawValue:
        try need(1)
        let root = top()
        stack.removeLast()
        return root
      case Opcode.proto.rawValue: try runProto()
      case Opcode.frame.rawValue: try runFrame()
      case Opcode.mark.rawValue: try pushMark()
      case Opcode.pop.rawValue: try runPop()
      case Opcode.popMark.rawValue: try runPopMark()
      case Opcode.dup.rawValue:
        try need(1)
        try pushAgain(top())

      case Opcode.none.rawValue: try make(.none)
      case Opcode.newTrue.rawValue: try make(.bool, 1)
      case Opcode.newFalse.rawValue: try make(.bool, 0)
      case Opcode.binInt1.rawValue:
        isBinary = true
        try make(.int, UInt64(readByte()))
      case Opcode.binInt2.rawValue:
        isBinary = true
        try make(.int, UInt64(read(UInt16.self)))
      case Opcode.binInt.rawValue:
        isBinary = true
        try make(.int, UInt64(bitPattern: Int64(read(Int32.self))))
      case Opcode.long1.rawValue: try runLong(length: readByte(), header: 2)
      case Opcode.long4.rawValue: try runLong4()
      case Opcode.int.rawValue: try runIntLine()
      case Opcode.long.rawValue: try runLongLine()
      case Opcode.binFloat.rawValue:
        isBinary = true
        try make(.float, read(UInt64.self).byteSwapped)
      case Opcode.float.rawValue: try runFloatLine()

      case Opcode.binUnicode.rawValue:
        try pushString(length: Int(read(UInt32.self)), header: 5)
      case Opcode.shortBinUnicode.rawValue:
        try pushString(length: readByte(), header: 2)
      case Opcode.binUnicode8.rawValue:
        try pushString(length: readLength8(), header: 9)
      case Opcode.unicode.rawValue: try runUnicodeLine()
      case Opcode.shortBinString.rawValue:
        try pushPython2(length: readByte(), header: 2)
      case Opcode.binString.rawValue: try runBinString()
      case Opcode.string.rawValue: try runQuotedLine()
      case Opcode.shortBinBytes.rawValue:
        try pushBytes(.bytes, length: readByte(), header: 2)
      case Opcode.binBytes.rawValue:
        try pushBytes(.bytes, length: Int(read(UInt32.self)), header: 5)
      case Opcode.binBytes8.rawValue:
        try pushBytes(.bytes, length: readLength8(), header: 9)
      case Opcode.byteArray8.rawValue:
        try pushBytes(.byteArray, length: readLength8(), header: 9)
      case Opcode.nextBuffer.rawValue:
        try make(.buffer, bufferCount)
        bufferCount &+= 1
      case Opcode.readOnlyBuffer.rawValue: try runReadOnlyBuffer()

      case Opcode.emptyTuple.rawValue:
        isBinary = true
        try make(.tuple)
      case Opcode.tuple1.rawValue: try runTuple(1)
      case Opcode.tuple2.rawValue: try runTuple(2)
      case Opcode.tuple3.rawValue: try runTuple(3)
      case Opcode.tuple.rawValue: try runFromMark(.tuple)
      case Opcode.emptyList.rawValue: try make(.list)
      case Opcode.list.rawValue: try runFromMark(.list)
      case Opcode.append.rawValue: try runAppend()
      case Opcode.appends.rawValue: try runAppends()
      case Opcode.emptyDict.rawValue: try make(.dict)
      case Opcode.dict.rawValue: try runDict()
      case Opcode.setItem.rawValue: try runSetItem()
      case Opcode.setItems.rawValue: try runSetItems()
      case Opcode.emptySet.rawValue: try make(.set)
      case Opcode.addItems.rawValue: try runAddItems()
      case Opcode.frozenSet.rawValue: try runFrozenSet()

      case Opcode.binPut.rawValue:
        isBinary = true
        try memoPut(readByte())
      case Opcode.longBinPut.rawValue: try memoPut(Int(read(UInt32.self)))
      case Opcode.put.rawValue: try memoPut(readMemoLine())
      case Opcode.memoize.rawValue: try memoPut(memoCount)
      case Opcode.binGet.rawValue: try memoGet(readByte())
      case Opcode.longBinGet.rawValue: try memoGet(Int(read(UInt32.self)))
      case Opcode.get.rawValue: try memoGet(readMemoLine())

      case Opcode.global.rawValue: try runGlobal()
      case Opcode.stackGlobal.rawValue: try runStackGlobal()
      case Opcode.ext1.rawValue: try runExtension(readByte())
      case Opcode.ext2.rawValue: try runExtension(Int(read(UInt16.self)))
      case Opcode.ext4.rawValue: try runExtension(Int(read(Int32.self)))
      case Opcode.reduce.rawValue: try runCall(.reduce)
      case Opcode.newObj.rawValue: try runCall(.newObj)
      case Opcode.newObjEx.rawValue: try runNewObjEx()
      case Opcode.inst.rawValue: try runInst()
      case Opcode.obj.rawValue: try runObj()
      case Opcode.build.rawValue: try runBuild()
      case Opcode.binPersID.rawValue: try runBinPersistentID()
      case Opcode.persID.rawValue: try runPersistentIDLine()
      default: throw failure(.unknownOpcode(byte))
      }
    }
  }

  private mutating func runProto() throws(PickleError) {
    let version = try readByte()
    guard version <= 5 || takesAnyProtocol else {
      throw failure(.unsupportedProtocol(version))
    }
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

  private mutating func memoized(_ index: Int) -> UInt32? {
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
      if id != noNode { return try pushAgain(id) }
    }
    guard let id = memoized(index) else { throw failure(.memoMiss(index)) }
    try pushAgain(id)
  }

  /// Pushes what was pushed before.
  @inline(__always)
  private mutating func pushAgain(_ id: UInt32) throws(PickleError) {
    let node = arena.nodes[unchecked: Int(id)]
    if node.isKind(.persistentID) || node.isKind(.extension) {
      arena.nodes[Int(id)].flags.insert(.shared)
    }
    try push(id)
  }
}
