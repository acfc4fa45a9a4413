/// The pickle machine: a stack, its marks, a memo, and the arena it fills.
@safe
struct Machine: ~Copyable {
  let base: UnsafeRawPointer
  /// The offset after the last byte.
  let end: Int
  var position: Int
  /// Where the opcode starts that is being carried out.
  var opcodeOffset: Int

  var stack: RawVector<UInt32>
  var marks = RawVector<UInt32>()
  /// The topmost mark's place: what is below it can't be popped.
  var fence = 0
  var memo: RawVector<UInt32>
  /// Memo entries whose numbers are far beyond how many there are.
  var sparseMemo: [UInt32: UInt32] = [:]
  var memoCount = 0
  var arena: ArenaStorage

  /// Values that were dropped and might hold calls.
  var dropped: [UInt32] = []
  /// Calls that were dropped for an object found within their arguments.
  var attempts: [UInt32: UInt32] = [:]
  var protocolVersion = 0
  /// Whether the pickle told its protocol.
  var hasProtocol = false
  /// Whether an opcode was seen that protocol 0 has not: one of those that
  /// no pickle of protocol 1 is without.
  var isBinary = false
  var bufferCount: UInt64 = 0
  let limits: PickleLimits
  /// Whether a protocol that does not exist is taken, as some readers do.
  var takesAnyProtocol = false
  let maxNodes: Int
  let maxDepth: Int

  init(_ source: PickleSource, at offset: Int, limits: PickleLimits) {
    unsafe base = source.bytes.baseAddress ?? Self.nothing
    end = source.count
    // An offset outside the source is as good as its end.
    position = offset < 0 || offset > source.count ? source.count : offset
    opcodeOffset = position
    self.limits = limits
    maxNodes = min(limits.maxNodes, Int(UInt32.max) - 1)
    maxDepth = min(limits.maxDepth, Int(UInt32.max) - 1)
    // Untouched memory costs nothing, and the bytes are really there. Behind
    // another pickle there may be as many more as bytes, each of them short.
    let size = position == 0 ? end : min(end - position, 1 << 16)
    stack = RawVector(capacity: 256)
    memo = RawVector(capacity: 64 + size / 32)
    arena = ArenaStorage(
      nodeCapacity: 64 + size / 6,
      childCapacity: 64 + size / 6
    )
  }

  private static var nothing: UnsafeRawPointer {
    unsafe UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
  }

  // MARK: Failing

  @inline(never)
  mutating func failure(_ kind: PickleError.Kind) -> PickleError {
    guard opcodeOffset < end else {
      return PickleError(kind, offset: opcodeOffset)
    }
    let byte = unsafe base.load(fromByteOffset: opcodeOffset, as: UInt8.self)
    return PickleError(
      kind,
      offset: opcodeOffset,
      opcode: Opcode(rawValue: byte)
    )
  }

  @inline(never)
  mutating func underflow(needed: Int) -> PickleError {
    failure(.stackUnderflow(needed: needed, available: stack.count - fence))
  }

  @inline(never)
  mutating func truncation(needed: Int) -> PickleError {
    failure(.truncated(needed: needed, available: end - position))
  }

  // MARK: The stack

  @inline(__always)
  mutating func push(_ id: UInt32) throws(PickleError) {
    guard stack.count < maxDepth else {
      throw failure(.limitExceeded(name: "maxDepth", limit: maxDepth))
    }
    stack.append(id)
  }

  /// Adds a node and pushes it.
  @inline(__always)
  mutating func make(_ node: Node) throws(PickleError) {
    try push(add(node))
  }

  @inline(__always)
  mutating func add(_ node: Node) throws(PickleError) -> UInt32 {
    guard arena.nodes.count < maxNodes else {
      throw failure(.limitExceeded(name: "maxNodes", limit: maxNodes))
    }
    return arena.add(node)
  }

  @inline(__always)
  mutating func make(
    _ kind: PickleGraph.Kind,
    _ payload: UInt64 = 0
  ) throws(PickleError) {
    try make(Node(kind, offset: opcodeOffset, payload))
  }

  @inline(__always)
  mutating func need(_ count: Int) throws(PickleError) {
    guard stack.count &- fence >= count else { throw underflow(needed: count) }
  }

  /// The item `depth` places below the top, which ``need(_:)`` has checked.
  @inline(__always)
  mutating func top(_ depth: Int = 0) -> UInt32 {
    stack[unchecked: stack.count &- 1 &- depth]
  }

  mutating func pushMark() throws(PickleError) {
    guard marks.count < maxDepth else {
      throw failure(.limitExceeded(name: "maxDepth", limit: maxDepth))
    }
    marks.append(UInt32(truncatingIfNeeded: stack.count))
    fence = stack.count
  }

  /// Takes the topmost mark away.
  ///
  /// - Returns: Its place: what is on the stack from there on was above it.
  @inline(__always)
  mutating func popMark() throws(PickleError) -> Int {
    guard marks.count > 0 else { throw failure(.missingMark) }
    let mark = fence
    marks.removeLast()
    fence = marks.count > 0 ? Int(marks[unchecked: marks.count &- 1]) : 0
    return mark
  }

  /// The place of an item; the pointer holds until the stack grows.
  @inline(__always)
  mutating func stackPointer(_ place: Int) -> UnsafePointer<UInt32> {
    unsafe UnsafePointer(stack.base.unsafelyUnwrapped + place)
  }

  mutating func kind(_ id: UInt32) -> PickleGraph.Kind {
    arena.nodes[Int(id)].kind
  }

  // MARK: Reading

  @inline(__always)
  mutating func readByte() throws(PickleError) -> Int {
    guard position < end else { throw truncation(needed: 1) }
    let byte = unsafe base.load(fromByteOffset: position, as: UInt8.self)
    position &+= 1
    return Int(byte)
  }

  @inline(__always)
  mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
    _ type: T.Type
  ) throws(PickleError) -> T {
    let size = MemoryLayout<T>.size
    guard end &- position >= size else { throw truncation(needed: size) }
    let value = unsafe base.loadUnaligned(fromByteOffset: position, as: T.self)
    position &+= size
    return T(littleEndian: value)
  }

  /// A length of 8 bytes, checked against what is left.
  mutating func readLength8() throws(PickleError) -> Int {
    let length = try read(UInt64.self)
    guard let length = Int(exactly: length) else {
      throw truncation(needed: Int.max)
    }
    return length
  }

  /// The bytes up to the next newline, which is skipped.
  mutating func readLine() throws(PickleError) -> UnsafeRawBufferPointer {
    let start = unsafe base + position
    guard let size = unsafe lengthOfLine(start, limit: end - position) else {
      throw failure(.unterminatedLine)
    }
    position += size + 1
    return unsafe UnsafeRawBufferPointer(start: start, count: size)
  }

  // MARK: The end

  /// What to show of a pickle that broke off.
  mutating func bottomOfStack() -> UInt32 {
    stack.count > 0 ? stack[0] : arena.add(Node(.none, offset: -1, 0))
  }

  /// The graph of what was decoded; the machine is used up.
  mutating func finish(root: UInt32, source: PickleSource) -> PickleGraph {
    for i in 0..<stack.count { drop(stack[i]) }
    var filled = ArenaStorage()
    swap(&filled, &arena)
    var graph = PickleGraph(
      arena: Arena(filled, source: source),
      root: .init(root),
      protocolVersion: hasProtocol || !isBinary ? protocolVersion : 1,
      endOffset: position,
      discarded: [],
      attempts: attempts
    )
    if !dropped.isEmpty {
      let kept = graph.reachable(from: [graph.root])
      graph.discarded = dropped.lazy.map { .init($0) }
        .filter { !kept.contains($0) }
    }
    return graph
  }

  /// Remembers a dropped value that isn't plain data.
  mutating func drop(_ id: UInt32) {
    switch kind(id) {
    case .none, .bool, .int, .bigInt, .float, .string, .bytes, .byteArray,
      .buffer:
      break
    default: dropped.append(id)
    }
  }
}
