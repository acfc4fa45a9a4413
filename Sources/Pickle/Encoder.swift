/// The state of one pickling: output, memo, and what is yet to be written.
struct Encoder: ~Copyable {
  let graph: PickleGraph
  let arena: Arena
  let version: Int
  var out: RawVector<UInt8>

  /// Each node's memo entry, ``noNode`` for none, ``inProgress`` while a
  /// value is written that gets one at its end.
  var memo: RawVector<UInt32>
  var memoCount: UInt32 = 0
  static let inProgress = noNode - 1

  /// What is begun and not finished, the innermost last.
  var tasks = RawVector<Task>()
  /// How many of the tasks write a value that an outer one is writing.
  var reentries = 0

  var framing = false
  var frameStart = -1

  /// Memo entries of what has no node: texts, and globals by both names.
  var textMemo: [String: UInt32] = [:]
  var globalMemo: [GlobalTable.Name: UInt32] = [:]
  var nextBuffer: UInt64 = 0
  /// Calls to begin and drop before an object; see the graph's.
  var attempts: [UInt32: UInt32]

  /// As in CPython: items between a MARK and its APPENDS or SETITEMS.
  static let batchSize = 1000
  static let frameTarget = 64 * 1024
  static let frameMinimum = 4
  static let frameHeader = 9
  /// CPython gives up at about this depth of values within themselves.
  static let maxReentries = 500

  init(_ graph: PickleGraph, protocol version: Int) {
    self.graph = graph
    arena = graph.arena
    self.version = version
    attempts = graph.attempts
    let count = graph.nodeCount
    memo = RawVector(capacity: count)
    memo.append(repeating: noNode, count: count)
    out = RawVector(capacity: 64 + 8 * count)
  }

  mutating func encode(
    _ root: PickleGraph.NodeID,
    after discarded: [PickleGraph.NodeID]
  ) throws(PickleError) -> [UInt8] {
    if version >= 2 {
      emit(.proto)
      emit(UInt8(version))
    }
    framing = version >= 4
    for id in discarded {
      try saveAll(id.raw)
      emit(.pop)
    }
    try saveAll(root.raw)
    emit(.stop)
    commitFrame()
    return unsafe Array(out.elements)
  }

  /// Writes a value and everything in it.
  private mutating func saveAll(_ id: UInt32) throws(PickleError) {
    try save(id)
    while tasks.count > 0 { try step() }
  }

  /// Writes a value, or begins to: then a task does the rest.
  @inline(__always)
  mutating func save(_ id: UInt32) throws(PickleError) {
    if framing { closeFullFrame() }
    let node = arena.storage.nodes[Int(id)]
    switch node.kind {
    case .none: emit(.none)
    case .bool: saveBool(node.payload != 0)
    case .int: saveInt(Int64(bitPattern: node.payload))
    case .bigInt: try saveBigInt(id)
    case .float: saveFloat(node.payload)
    default:
      let known = memo[Int(id)]
      if known < Self.inProgress {
        memoGet(known)
      } else {
        try saveNew(id, node, isWithinItself: known == Self.inProgress)
      }
    }
  }

  private mutating func saveNew(
    _ id: UInt32,
    _ node: Node,
    isWithinItself: Bool
  ) throws(PickleError) {
    if isWithinItself && reentries >= Self.maxReentries {
      throw failure(
        id,
        "a value contains itself in too many ways to be written"
      )
    }
    switch node.kind {
    case .string, .bytes, .byteArray: try saveText(id, node)
    case .tuple: saveTuple(id, node, isWithinItself)
    case .list: saveList(id, node)
    case .dict: saveDict(id, node)
    case .set, .frozenSet: try saveSet(id, node, isWithinItself)
    case .global:
      try saveGlobal(id, node)
      beginChanges(id, node)
    case .object: try saveObject(id, node, isWithinItself)
    case .persistentID: try savePersistentID(id)
    case .extension: try saveExtension(id, node)
    case .buffer: try saveBuffer(id, node)
    case .none, .bool, .int, .bigInt, .float: break
    }
  }

  @inline(never)
  mutating func failure(_ id: UInt32, _ reason: String) -> PickleError {
    PickleError(
      .unencodable(reason),
      offset: arena.storage.nodes[Int(id)].offset
    )
  }

  // MARK: Output

  @inline(__always)
  mutating func emit(_ byte: UInt8) {
    if framing && frameStart < 0 { openFrame() }
    out.append(byte)
  }

  @inline(__always)
  mutating func emit(_ opcode: Opcode) { emit(opcode.rawValue) }

  /// Writes an opcode and its little-endian argument.
  @inline(__always)
  mutating func emit<T: FixedWidthInteger & BitwiseCopyable>(
    _ opcode: Opcode,
    _ argument: T
  ) {
    emit(opcode.rawValue)
    let place = unsafe UnsafeMutableRawPointer(
      out.extend(by: MemoryLayout<T>.size)
    )
    unsafe place.storeBytes(of: argument.littleEndian, as: T.self)
  }

  mutating func emit(_ text: String) {
    if framing && frameStart < 0 { openFrame() }
    for byte in text.utf8 { out.append(byte) }
  }

  /// Writes a header and bytes, large ones outside of any frame.
  mutating func emit<T: FixedWidthInteger & BitwiseCopyable>(
    _ opcode: Opcode,
    length: T,
    _ bytes: UnsafeRawBufferPointer
  ) {
    let isLarge = framing && bytes.count >= Self.frameTarget
    if isLarge {
      commitFrame()
      framing = false
    }
    emit(opcode, length)
    if let base = bytes.baseAddress {
      unsafe out.append(
        from: base.assumingMemoryBound(to: UInt8.self),
        count: bytes.count
      )
    }
    if isLarge { framing = true }
  }

  // MARK: Frames

  private mutating func openFrame() {
    frameStart = out.count
    out.append(repeating: 0, count: Self.frameHeader)
  }

  private mutating func closeFullFrame() {
    if frameStart >= 0,
      out.count - frameStart - Self.frameHeader >= Self.frameTarget
    {
      commitFrame()
    }
  }

  private mutating func commitFrame() {
    guard framing, frameStart >= 0 else { return }
    let size = out.count - frameStart - Self.frameHeader
    if size >= Self.frameMinimum {
      out[frameStart] = Opcode.frame.rawValue
      for i in 0..<8 {
        out[frameStart + 1 + i] = UInt8(
          truncatingIfNeeded: size >> (8 * i)
        )
      }
    } else {
      // Too small for a frame: the bytes go where the header would be.
      for i in 0..<size {
        out[frameStart + i] = out[frameStart + Self.frameHeader + i]
      }
      out.removeLast(Self.frameHeader)
    }
    frameStart = -1
  }

  // MARK: Memo

  @inline(__always)
  mutating func memoPut(_ id: UInt32) {
    memo[Int(id)] = memoPutNew()
  }

  /// Gives the top of the stack a memo entry.
  ///
  /// - Returns: The entry's number.
  @inline(__always)
  mutating func memoPutNew() -> UInt32 {
    let index = memoCount
    memoCount += 1
    if version >= 4 {
      emit(.memoize)
    } else if version == 0 {
      emit("p\(index)\n")
    } else if index < 256 {
      emit(.binPut, UInt8(truncatingIfNeeded: index))
    } else {
      emit(.longBinPut, index)
    }
    return index
  }

  @inline(__always)
  mutating func memoGet(_ index: UInt32) {
    if version == 0 {
      emit("g\(index)\n")
    } else if index < 256 {
      emit(.binGet, UInt8(truncatingIfNeeded: index))
    } else {
      emit(.longBinGet, index)
    }
  }
}
