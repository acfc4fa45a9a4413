/// Everything that a graph's nodes refer to, in a few flat runs.
struct ArenaStorage: ~Copyable {
  var nodes: RawVector<Node>
  /// Children of tuples, lists, sets; keys and values of dictionaries.
  var children: RawVector<UInt32>
  var records = RawVector<ObjectRecord>()
  /// Bytes that aren't in the source as they are.
  var pool = RawVector<UInt8>()
  var poolRanges = RawVector<PoolRange>()
  /// Module and name nodes of globals that were made from the stack.
  var globalNames = RawVector<SIMD2<UInt32>>()
  var globals = GlobalTable()

  /// Node numbers have 32 bits, of which the last stands for none.
  var maxNodes = Int(UInt32.max) - 1
  /// Whether more nodes were to be added than there may be.
  var isOverfull = false

  /// Children are counted in 32 bits, with room left for growth.
  static let maxChildren = Int(UInt32.max / 2)

  init(nodeCapacity: Int = 0, childCapacity: Int = 0) {
    nodes = RawVector(capacity: nodeCapacity)
    children = RawVector(capacity: childCapacity)
  }

  borrowing func copy() -> ArenaStorage {
    var copy = ArenaStorage()
    copy.nodes = nodes.copy()
    copy.children = children.copy()
    copy.records = records.copy()
    copy.pool = pool.copy()
    copy.poolRanges = poolRanges.copy()
    copy.globalNames = globalNames.copy()
    copy.globals = globals
    copy.maxNodes = maxNodes
    copy.isOverfull = isOverfull
    return copy
  }

  @inline(__always)
  mutating func add(_ node: Node) -> UInt32 {
    let id = UInt32(truncatingIfNeeded: nodes.count)
    nodes.append(node)
    return id
  }

  /// Appends to a run of children in amortised constant time for each.
  ///
  /// - Parameters:
  ///   - items: Where the new children are, outside `children`.
  ///   - size: How many.
  ///   - run: The run that grows; it moves to the end when it has no room.
  mutating func append(
    _ items: UnsafePointer<UInt32>,
    count size: Int,
    to run: inout Run
  ) {
    let count = Int(run.count)
    let capacity = Int(run.capacity)
    let start = Int(run.start)
    let newCount = count + size
    if count == 0 && capacity == 0 {
      run.start = UInt32(truncatingIfNeeded: children.count)
      unsafe children.append(from: items, count: size)
      run.capacity = UInt32(truncatingIfNeeded: size)
    } else if newCount <= capacity {
      for i in 0..<size {
        children[start + count + i] = unsafe items[i]
      }
    } else if count == capacity && start + count == children.count {
      unsafe children.append(from: items, count: size)
      run.capacity = UInt32(truncatingIfNeeded: newCount)
    } else {
      let newCapacity = Self.roomyCapacity(newCount)
      run.start = UInt32(truncatingIfNeeded: children.count)
      children.appendOwn(from: start, count: count)
      unsafe children.append(from: items, count: size)
      children.append(repeating: noNode, count: newCapacity - newCount)
      run.capacity = UInt32(truncatingIfNeeded: newCapacity)
    }
    run.count = UInt32(truncatingIfNeeded: newCount)
  }

  /// The room that a run of `count` children has after it was moved.
  static func roomyCapacity(_ count: Int) -> Int {
    count <= 1 ? count : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
  }

  /// Appends to the items of a list, set or dictionary.
  mutating func append(
    _ items: UnsafePointer<UInt32>,
    count size: Int,
    toContainer id: Int
  ) {
    var node = nodes[id]
    var run = Run(start: node.low, count: node.high, capacity: node.high)
    if node.has(.roomy) {
      run.capacity = UInt32(Self.roomyCapacity(Int(node.high)))
    }
    unsafe append(items, count: size, to: &run)
    node.low = run.start
    node.high = run.count
    if run.capacity == run.count {
      node.flags.remove(.roomy)
    } else {
      node.flags.insert(.roomy)
    }
    nodes[id] = node
  }

  /// The number of a node's record, made at the first need.
  mutating func record(of id: Int) -> Int {
    var node = nodes[id]
    if node.has(.recorded) { return Int(node.payload) }
    let index = records.count
    records.append(ObjectRecord(payload: node.payload))
    node.flags.insert(.recorded)
    node.payload = UInt64(index)
    nodes[id] = node
    return index
  }

  /// The payload that a node has with or without a record.
  @inline(__always)
  func payload(of id: Int) -> UInt64 {
    let node = nodes[id]
    return node.has(.recorded)
      ? records[Int(node.payload)].payload : node.payload
  }

  /// Notes in an object's record what happened to it.
  ///
  /// - Parameters:
  ///   - code: One of ``ChangeCode``.
  ///   - value: How many items, or the node of a state or call.
  ///   - record: The record's number.
  mutating func note(_ code: UInt32, _ value: UInt32, in record: Int) {
    var changes = records[record].changes
    let last = Int(changes.start) + Int(changes.count) - 2
    if code < ChangeCode.state, changes.count >= 2, children[last] == code {
      children[last + 1] &+= value
      return
    }
    let pair: (UInt32, UInt32) = (code, value)
    unsafe withUnsafeBytes(of: pair) { bytes in
      guard let start = bytes.baseAddress else { return }
      unsafe append(
        start.assumingMemoryBound(to: UInt32.self),
        count: 2,
        to: &changes
      )
    }
    records[record].changes = changes
  }

  /// Keeps bytes in the pool and gives the payload that refers to them.
  mutating func keep(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let start = pool.count
    if let base = bytes.baseAddress {
      unsafe pool.append(
        from: base.assumingMemoryBound(to: UInt8.self),
        count: bytes.count
      )
    }
    poolRanges.append(PoolRange(start: start, end: pool.count))
    return UInt64(poolRanges.count - 1)
  }
}

/// The distinct globals of a graph, numbered in order of appearance.
struct GlobalTable {
  struct Name: Hashable {
    let module: String
    let name: String
  }

  private(set) var names: [Name] = []
  private var numbers: [Name: UInt32] = [:]

  mutating func number(module: String, name: String) -> UInt32 {
    let key = Name(module: module, name: name)
    if let number = numbers[key] { return number }
    let number = UInt32(truncatingIfNeeded: names.count)
    names.append(key)
    numbers[key] = number
    return number
  }
}

/// Shares one storage between copies of a graph until one of them changes.
@safe
final class Arena: @unchecked Sendable {
  /// Never changed while shared, so exclusive access needs no check.
  @exclusivity(unchecked) private var unchecked: ArenaStorage
  let source: PickleSource?

  init(_ storage: consuming ArenaStorage, source: PickleSource?) {
    unsafe unchecked = storage
    self.source = source
  }

  var storage: ArenaStorage {
    @inline(__always) _read { yield unsafe unchecked }
    @inline(__always) _modify { yield unsafe &unchecked }
  }
}
