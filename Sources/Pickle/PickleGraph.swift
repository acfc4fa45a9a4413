/// The values of a pickle, as data: nothing in it is ever called.
///
/// Values live in an arena and are named by ``NodeID``. Identity is kept: a
/// value that is referred to twice is one node, and cycles are cycles.
/// Strings stay in the source until asked for. Objects of any class are data
/// too (``Object``), so every pickle can be written back.
///
/// A graph is a value: a copy changes on its own. A ``NodeID`` is good only
/// in the graph that gave it and in copies of that.
public struct PickleGraph: Sendable {
  var arena: Arena

  /// The pickle's value.
  public var root: NodeID
  /// The protocol that the pickle said it has; else 1 with binary opcodes
  /// and 0 without.
  ///
  /// Globals have Python 2's module names below 3, Python 3's from there on.
  public internal(set) var protocolVersion: Int
  /// The offset of the byte after the STOP; 0 in a graph that was built.
  public internal(set) var endOffset: Int
  /// Values that the pickle makes and drops, in order: what calls in them do
  /// would be done all the same.
  public var discarded: [NodeID]
  /// For objects that are found within their own arguments: the call that
  /// Python began first, and dropped.
  var attempts: [UInt32: UInt32]

  /// Names a value of a graph.
  public struct NodeID: Hashable, Sendable, Comparable {
    let raw: UInt32

    @inline(__always)
    init(_ raw: UInt32) { self.raw = raw }

    /// The node's place in the graph, from 0.
    public var index: Int { Int(raw) }

    /// Nodes compare in the order in which they were made.
    public static func < (a: NodeID, b: NodeID) -> Bool { a.raw < b.raw }
  }

  /// What a value is.
  public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
    /// `None`.
    case none
    /// `True` or `False`.
    case bool
    /// An integer that fits into 64 bits.
    case int
    /// A larger integer.
    case bigInt
    /// A float.
    case float
    /// Text; see ``PickleGraph/isPython2String(_:)`` too.
    case string
    /// Bytes, also a Python 2 `str` that isn't UTF-8.
    case bytes
    /// A `bytearray`.
    case byteArray
    /// A list.
    case list
    /// A tuple.
    case tuple
    /// A dictionary.
    case dict
    /// A set.
    case set
    /// A frozen set.
    case frozenSet
    /// A class or function, by module and name.
    case global
    /// What a call would give, with items and state.
    case object
    /// What stands for an object outside the pickle.
    case persistentID
    /// A code of Python's extension registry.
    case `extension`
    /// A buffer outside the pickle.
    case buffer

    var phrase: String {
      switch self {
      case .none: "None"
      case .bool: "a boolean"
      case .int, .bigInt: "an integer"
      case .float: "a float"
      case .string: "a string"
      case .bytes: "bytes"
      case .byteArray: "a bytearray"
      case .list: "a list"
      case .tuple: "a tuple"
      case .dict: "a dictionary"
      case .set: "a set"
      case .frozenSet: "a frozenset"
      case .global: "a global"
      case .object: "an object"
      case .persistentID: "a persistent id"
      case .extension: "an extension code"
      case .buffer: "a buffer"
      }
    }
  }

  /// How many nodes there are, reachable or not.
  public var nodeCount: Int { arena.storage.nodes.count }

  /// Every node, in the order in which they were made.
  public var nodes: some RandomAccessCollection<NodeID> & Sendable {
    (0..<nodeCount).lazy.map { @Sendable in
      NodeID(UInt32(truncatingIfNeeded: $0))
    }
  }

  /// The persistent ids, reachable or not, in the order in which they were
  /// made.
  public var persistentIDs: [NodeID] {
    var found: [NodeID] = []
    for index in 0..<nodeCount
    where arena.storage.nodes[index].isKind(.persistentID) {
      found.append(NodeID(UInt32(truncatingIfNeeded: index)))
    }
    return found
  }

  @inline(__always)
  func node(_ id: NodeID) -> Node { arena.storage.nodes[id.index] }

  /// What the value is.
  public func kind(_ id: NodeID) -> Kind { node(id).kind }

  /// The byte offset of the opcode that made the value, from the start of
  /// the source; -1 for one that was built.
  public func offset(_ id: NodeID) -> Int { node(id).offset }

  /// The value of a boolean, nil for another kind.
  public func bool(_ id: NodeID) -> Bool? {
    let node = node(id)
    return node.isKind(.bool) ? node.payload != 0 : nil
  }

  /// The value of an integer of at most 64 bits, nil for another kind.
  public func int(_ id: NodeID) -> Int? {
    let node = node(id)
    return node.isKind(.int)
      ? Int(truncatingIfNeeded: Int64(bitPattern: node.payload)) : nil
  }

  /// The value of a float, nil for another kind.
  public func float(_ id: NodeID) -> Double? {
    let node = node(id)
    return node.isKind(.float) ? Double(bitPattern: node.payload) : nil
  }

  /// An integer of any size in two's complement, little-endian.
  ///
  /// In as few bytes as keep the sign, at least one; nil for another kind.
  public func bigIntBytes(_ id: NodeID) -> [UInt8]? {
    let node = node(id)
    if node.isKind(.bigInt) {
      return unsafe withBytes(node) { unsafe Array($0) }
    }
    guard node.isKind(.int) else { return nil }
    return TwosComplement.bytes(Int64(bitPattern: node.payload))
  }

  /// The code of an extension registry entry, nil for another kind.
  public func extensionCode(_ id: NodeID) -> Int? {
    guard node(id).isKind(.extension) else { return nil }
    return Int(truncatingIfNeeded: arena.storage.payload(of: id.index))
  }

  /// The number of an out-of-band buffer, from 0, nil for another kind.
  public func bufferIndex(_ id: NodeID) -> Int? {
    let node = node(id)
    return node.isKind(.buffer) ? Int(truncatingIfNeeded: node.payload) : nil
  }

  /// Whether the value is an out-of-band buffer that was made read-only.
  public func isReadOnlyBuffer(_ id: NodeID) -> Bool {
    let node = node(id)
    return node.isKind(.buffer) && node.has(.readOnly)
  }

  /// The id that a persistent id carries, nil for another kind.
  public func persistentID(_ id: NodeID) -> NodeID? {
    guard node(id).isKind(.persistentID) else { return nil }
    return NodeID(
      UInt32(truncatingIfNeeded: arena.storage.payload(of: id.index))
    )
  }
}
