/// The state of one pickling: output, memo, and what is yet to be written.
struct Encoder: ~Copyable {
  let graph: PickleGraph
  let arena: Arena
  let version: Int
  var out: PickleOutput

  /// Each node's memo entry, ``noNode`` for none, ``inProgress`` while a
  /// value is written that gets one at its end, or once a large integer was
  /// written, which gets one the second time.
  var memo: RawVector<UInt32>
  static let inProgress = noNode - 1

  /// What is begun and not finished, the innermost last.
  var tasks = RawVector<Task>()
  /// How many of the tasks write a value that an outer one is writing.
  var reentries = 0

  /// Memo entries of what has no node: texts, and globals by both names.
  var textMemo: [String: UInt32] = [:]
  var globalMemo: [GlobalTable.Name: UInt32] = [:]
  var nextBuffer: UInt64 = 0
  /// Calls to begin and drop before an object; see the graph's.
  var attempts: [UInt32: UInt32]

  /// As in CPython: items between a MARK and its APPENDS or SETITEMS.
  static let batchSize = 1000
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
    out = PickleOutput(protocol: version, capacity: 64 + 8 * count)
  }

  mutating func encode(
    _ root: PickleGraph.NodeID,
    after discarded: [PickleGraph.NodeID]
  ) throws(PickleError) -> [UInt8] {
    for id in discarded {
      try saveAll(id.raw)
      out.emit(.pop)
    }
    try saveAll(root.raw)
    return out.finish()
  }

  /// Writes a value and everything in it.
  private mutating func saveAll(_ id: UInt32) throws(PickleError) {
    try save(id)
    while tasks.count > 0 { try step() }
  }

  /// Writes a value, or begins to: then a task does the rest.
  @inline(__always)
  mutating func save(_ id: UInt32) throws(PickleError) {
    out.closeFullFrame()
    let node = arena.storage.nodes[Int(id)]
    switch node.kind {
    case .none: out.emit(.none)
    case .bool: out.saveBool(node.payload != 0)
    case .int: out.saveInt(Int64(bitPattern: node.payload))
    case .bigInt: try saveBigInt(id)
    case .float: out.saveFloat(node.payload)
    default:
      let known = memo[Int(id)]
      if known < Self.inProgress {
        out.memoGet(known)
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

  // MARK: Memo

  @inline(__always)
  mutating func memoPut(_ id: UInt32) {
    memo[Int(id)] = out.memoPutNew()
  }
}
