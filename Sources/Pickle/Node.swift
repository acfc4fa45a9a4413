/// One value of a graph: 16 bytes.
///
/// | word | bits | holds |
/// | --- | --- | --- |
/// | head | 0–7 | kind |
/// | head | 8–15 | flags |
/// | head | 16–63 | offset of the opcode that made it, all ones for none |
/// | payload | | as the kind needs |
///
/// Payloads: an integer's or float's bits; a run of children as start and
/// count; a string in the source as length and, in the top 16 bits, its
/// distance from the opcode; a string in the pool as its number there; a
/// global as its number and the number of its name nodes; an object as
/// callable and arguments; a persistent id's node. A node with items or
/// state of its own keeps its payload in a record (``ObjectRecord``).
struct Node: BitwiseCopyable {
  var head: UInt64
  var payload: UInt64

  /// The number of a global whose name Python would have to compute.
  static let computedGlobal = UInt32.max

  static let noOffset: UInt64 = 0xffff_ffff_ffff

  @inline(__always)
  init(
    _ kind: PickleGraph.Kind,
    flags: Flags = [],
    offset: Int,
    _ payload: UInt64
  ) {
    head =
      UInt64(kind.rawValue) | UInt64(flags.rawValue) << 8
      | UInt64(truncatingIfNeeded: offset) << 16
    self.payload = payload
  }

  @inline(__always)
  init(
    _ kind: PickleGraph.Kind,
    flags: Flags = [],
    offset: Int,
    low: UInt32,
    high: UInt32
  ) {
    self.init(
      kind,
      flags: flags,
      offset: offset,
      UInt64(low) | UInt64(high) << 32
    )
  }

  struct Flags: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    /// A Python 2 `str`: text or bytes, nobody can tell.
    static let python2 = Flags(rawValue: 1)
    /// A string or bytes kept in the graph's pool, not in the source.
    static let pooled = Flags(rawValue: 2)
    /// A container's run has room up to the next power of two.
    static let roomy = Flags(rawValue: 4)
    /// The payload is the number of a record.
    static let recorded = Flags(rawValue: 8)
    /// A string with lone surrogates, which no Swift string can hold.
    static let surrogates = Flags(rawValue: 16)
    /// A persistent id or extension code that the pickle refers to more than
    /// once, which CPython itself never does.
    static let shared = Flags(rawValue: 16)
    /// A buffer that was made read-only.
    static let readOnly = Flags(rawValue: 32)
    /// A tuple all of whose elements are known to be hashable.
    static let hashable = Flags(rawValue: 64)
    /// An object's construction: the rest of the bits.
    static let construction = Flags(rawValue: 7 << 4)
  }

  @inline(__always)
  var kindByte: UInt8 { UInt8(truncatingIfNeeded: head) }

  @inline(__always)
  var kind: PickleGraph.Kind {
    PickleGraph.Kind(rawValue: kindByte) ?? .none
  }

  @inline(__always)
  var flags: Flags {
    get { Flags(rawValue: UInt8(truncatingIfNeeded: head >> 8)) }
    set { head = head & ~0xff00 | UInt64(newValue.rawValue) << 8 }
  }

  @inline(__always)
  func has(_ flag: Flags) -> Bool { head & UInt64(flag.rawValue) << 8 != 0 }

  @inline(__always)
  func isKind(_ kind: PickleGraph.Kind) -> Bool { kindByte == kind.rawValue }

  /// The opcode's offset, -1 for a node that no pickle holds.
  var offset: Int {
    head >> 16 == Self.noOffset ? -1 : Int(truncatingIfNeeded: head >> 16)
  }

  @inline(__always)
  var low: UInt32 {
    get { UInt32(truncatingIfNeeded: payload) }
    set { payload = payload & ~0xffff_ffff | UInt64(newValue) }
  }

  @inline(__always)
  var high: UInt32 {
    get { UInt32(truncatingIfNeeded: payload >> 32) }
    set { payload = payload & 0xffff_ffff | UInt64(newValue) << 32 }
  }
}

/// Marks the absence of a node.
let noNode = UInt32.max

/// A run of children with room to grow.
struct Run: BitwiseCopyable {
  var start: UInt32 = 0
  var count: UInt32 = 0
  var capacity: UInt32 = 0
}

/// What a node has besides its payload: items, state, further changes.
struct ObjectRecord: BitwiseCopyable {
  var payload: UInt64
  var keywordArguments = noNode
  var state = noNode
  var listItems = Run()
  var dictItems = Run()
  var setItems = Run()
  /// Pairs of a code (``ChangeCode``) and a count or a node, in order.
  var changes = Run()
}

/// What happened to an object, as ``ObjectRecord/changes`` tells.
enum ChangeCode {
  static let listItems: UInt32 = 0
  static let dictItems: UInt32 = 1
  static let setItems: UInt32 = 2
  static let state: UInt32 = 3
  static let call: UInt32 = 4
}

/// Where bytes are in the pool.
struct PoolRange: BitwiseCopyable {
  let start: Int
  let end: Int
}
