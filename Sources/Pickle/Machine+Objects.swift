extension Machine {
  // MARK: Globals

  mutating func runGlobal() throws(PickleError) {
    try make(.global, UInt64(readGlobal()) | UInt64(noNode) << 32)
  }

  /// Reads module and name, a line each.
  ///
  /// - Returns: The global's number.
  private mutating func readGlobal() throws(PickleError) -> UInt32 {
    let module = try readName("a module")
    let name = try readName("a name")
    return arena.globals.number(module: module, name: name)
  }

  private mutating func readName(_ what: String) throws(PickleError) -> String {
    let start = position
    let line = try unsafe readLine()
    guard line.count > 0 else {
      throw failure(
        .invalidArgument(expected: what + " as text", found: "an empty line")
      )
    }
    try checkName(line.count)
    guard let text = unsafe String(validating: line, as: UTF8.self) else {
      throw failure(.invalidUTF8(at: start))
    }
    return text
  }

  mutating func runStackGlobal() throws(PickleError) {
    try need(2)
    let nameNode = top()
    let moduleNode = top(1)
    let name = try text(of: nameNode)
    let module = try text(of: moduleNode)
    var number = Node.computedGlobal
    if let name, let module {
      number = arena.globals.number(module: module, name: name)
    }
    let names = UInt32(truncatingIfNeeded: arena.globalNames.count)
    arena.globalNames.append(SIMD2(moduleNode, nameNode))
    stack.removeLast(2)
    try make(
      Node(.global, offset: opcodeOffset, low: number, high: names)
    )
  }

  /// A string's text; nil for what may be one when Python has made it.
  private mutating func text(of id: UInt32) throws(PickleError) -> String? {
    let node = arena.nodes[Int(id)]
    if node.kind.isOpaque { return nil }
    guard node.isKind(.string), !node.has(.surrogates) else {
      throw failure(
        .wrongKind(expected: "a module and a name as strings", found: node.kind)
      )
    }
    try checkName(unsafe withBytes(node) { $0.count })
    return unsafe withBytes(node) { unsafe String(decoding: $0, as: UTF8.self) }
  }

  private mutating func checkName(_ count: Int) throws(PickleError) {
    guard count <= limits.maxNameBytes else {
      throw failure(
        .limitExceeded(name: "maxNameBytes", limit: limits.maxNameBytes)
      )
    }
  }

  private mutating func withBytes<R>(
    _ node: Node,
    _ body: (UnsafeRawBufferPointer) -> R
  ) -> R {
    if node.has(.pooled) {
      let pool = unsafe UnsafeRawBufferPointer(arena.pool.elements)
      let range = arena.poolRanges[Int(node.payload)]
      return unsafe body(
        UnsafeRawBufferPointer(rebasing: pool[range.start..<range.end])
      )
    }
    let start = node.offset + Int(node.payload >> 48)
    let count = Int(node.payload & 0xffff_ffff_ffff)
    return unsafe body(
      UnsafeRawBufferPointer(start: base + start, count: count)
    )
  }

  mutating func runExtension(_ code: Int) throws(PickleError) {
    guard code > 0 else {
      throw failure(
        .invalidArgument(expected: "a positive code", found: "\(code)")
      )
    }
    try make(.extension, UInt64(code))
  }

  // MARK: Calls

  /// REDUCE and NEWOBJ: a callable and its arguments.
  @inline(__always)
  mutating func runCall(
    _ construction: PickleGraph.Object.Construction
  ) throws(PickleError) {
    try need(2)
    let arguments = top()
    let callable = top(1)
    try checkCallable(callable)
    try checkArguments(arguments)
    stack.removeLast(2)
    try make(
      Node(
        .object,
        flags: construction.flags,
        offset: opcodeOffset,
        low: callable,
        high: arguments
      )
    )
  }

  mutating func runNewObjEx() throws(PickleError) {
    try need(3)
    let keywords = top()
    guard kind(keywords) == .dict || kind(keywords).isOpaque else {
      throw failure(
        .wrongKind(
          expected: "keyword arguments as a dictionary",
          found: kind(keywords)
        )
      )
    }
    let arguments = top(1)
    let callable = top(2)
    try checkCallable(callable)
    try checkArguments(arguments)
    stack.removeLast(3)
    try make(
      Node(
        .object,
        flags: PickleGraph.Object.Construction.newObjEx.flags,
        offset: opcodeOffset,
        low: callable,
        high: arguments
      )
    )
    let record = arena.record(of: Int(top()))
    arena.records[record].keywordArguments = keywords
  }

  mutating func runInst() throws(PickleError) {
    let number = try readGlobal()
    let arguments = try collectArguments(from: popMark())
    let callable = try add(
      Node(.global, offset: opcodeOffset, low: number, high: noNode)
    )
    try make(
      Node(
        .object,
        flags: PickleGraph.Object.Construction.inst.flags,
        offset: opcodeOffset,
        low: callable,
        high: arguments
      )
    )
  }

  mutating func runObj() throws(PickleError) {
    let mark = try popMark()
    guard stack.count > mark else {
      throw failure(.stackUnderflow(needed: 1, available: 0))
    }
    let arguments = try collectArguments(from: mark + 1)
    let callable = top()
    try checkCallable(callable)
    stack.removeLast()
    try make(
      Node(
        .object,
        flags: PickleGraph.Object.Construction.obj.flags,
        offset: opcodeOffset,
        low: callable,
        high: arguments
      )
    )
  }

  @inline(__always)
  private mutating func checkCallable(_ id: UInt32) throws(PickleError) {
    guard kind(id).isOpaque else {
      throw failure(
        .wrongKind(expected: "something to call", found: kind(id))
      )
    }
  }

  @inline(__always)
  private mutating func checkArguments(_ id: UInt32) throws(PickleError) {
    let kind = kind(id)
    guard kind == .tuple || kind.isOpaque else {
      throw failure(
        .wrongKind(expected: "the arguments as a tuple", found: kind)
      )
    }
  }

  mutating func runBuild() throws(PickleError) {
    try need(2)
    let target = top(1)
    guard kind(target).isOpaque else {
      throw failure(
        .wrongKind(
          expected: "an object that takes a state",
          found: kind(target)
        )
      )
    }
    let record = arena.record(of: Int(target))
    arena.records[record].state = top()
    arena.note(ChangeCode.state, top(), in: record)
    stack.removeLast()
  }

  // MARK: Persistent ids and buffers

  mutating func runBinPersistentID() throws(PickleError) {
    try need(1)
    let id = top()
    stack.removeLast()
    try make(.persistentID, UInt64(id))
  }

  mutating func runPersistentIDLine() throws(PickleError) {
    let line = try unsafe readLine()
    guard unsafe isASCII(line) else {
      throw failure(.invalidUTF8(at: opcodeOffset + 1))
    }
    let id = try add(
      Node(
        .string,
        offset: opcodeOffset,
        UInt64(line.count) | 1 << 48
      )
    )
    try make(.persistentID, UInt64(id))
  }

  mutating func runReadOnlyBuffer() throws(PickleError) {
    try need(1)
    var node = arena.nodes[Int(top())]
    guard node.isKind(.buffer) else {
      throw failure(.wrongKind(expected: "a buffer", found: node.kind))
    }
    // Another object than before: what was memoised stays writable.
    guard !node.has(.readOnly) else { return }
    node.flags.insert(.readOnly)
    stack.removeLast()
    try make(node)
  }
}

extension PickleGraph.Object.Construction {
  var flags: Node.Flags { Node.Flags(rawValue: rawValue << 4) }
}
