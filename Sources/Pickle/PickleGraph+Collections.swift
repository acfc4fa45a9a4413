extension PickleGraph {
  /// The elements of a list, tuple or set, in order.
  public struct Children: RandomAccessCollection, Sendable {
    let arena: Arena
    let start: Int
    /// How many elements there are.
    public let count: Int

    init(_ arena: Arena, start: Int, count: Int) {
      self.arena = arena
      self.start = start
      self.count = count
    }

    /// The first position, 0.
    public var startIndex: Int { 0 }
    /// The position after the last.
    public var endIndex: Int { count }

    /// The element at a position.
    public subscript(position: Int) -> NodeID {
      // As an array's: a program's index, never a number from a file.
      precondition(position >= 0 && position < count, "index out of range")
      return NodeID(arena.storage.children[start &+ position])
    }
  }

  /// The keys and values of a dictionary, in order; a key that is set twice
  /// is there twice, and Python lets the last one win.
  public struct Pairs: RandomAccessCollection, Sendable {
    let arena: Arena
    let start: Int
    /// How many pairs there are.
    public let count: Int

    init(_ arena: Arena, start: Int, count: Int) {
      self.arena = arena
      self.start = start
      self.count = count
    }

    /// The first position, 0.
    public var startIndex: Int { 0 }
    /// The position after the last.
    public var endIndex: Int { count }

    /// The key and value at a position.
    public subscript(position: Int) -> (key: NodeID, value: NodeID) {
      // As an array's: a program's index, never a number from a file.
      precondition(position >= 0 && position < count, "index out of range")
      let place = start &+ 2 &* position
      return (
        NodeID(arena.storage.children[place]),
        NodeID(arena.storage.children[place &+ 1])
      )
    }
  }

  /// The elements of a list, tuple, set or frozen set, and an object's list
  /// items; empty for another kind.
  public func children(_ id: NodeID) -> Children {
    let node = node(id)
    switch node.kind {
    case .list, .tuple, .set, .frozenSet:
      return Children(arena, start: Int(node.low), count: Int(node.high))
    default:
      return children(record(id)?.listItems ?? Run())
    }
  }

  /// The keys and values of a dictionary or of an object's dictionary items;
  /// empty for another kind.
  public func pairs(_ id: NodeID) -> Pairs {
    let node = node(id)
    if node.isKind(.dict) {
      return Pairs(arena, start: Int(node.low), count: Int(node.high) / 2)
    }
    return pairs(record(id)?.dictItems ?? Run())
  }

  /// Appends the integers that a tuple or list consists of.
  ///
  /// - Parameters:
  ///   - id: The tuple or list; of another kind nothing is appended.
  ///   - numbers: Where they go.
  /// - Returns: The first element that is no integer of at most 64 bits, nil
  ///   where all are.
  public func appendIntegers(
    of id: NodeID,
    to numbers: inout [Int]
  ) -> NodeID? {
    for child in children(id) {
      guard let number = int(child) else { return child }
      numbers.append(number)
    }
    return nil
  }

  func children(_ run: Run) -> Children {
    Children(arena, start: Int(run.start), count: Int(run.count))
  }

  func pairs(_ run: Run) -> Pairs {
    Pairs(arena, start: Int(run.start), count: Int(run.count) / 2)
  }

  func record(_ id: NodeID) -> ObjectRecord? {
    let node = node(id)
    return node.has(.recorded) && node.kind.isOpaque
      ? arena.storage.records[Int(node.payload)] : nil
  }
}

extension PickleGraph.Kind {
  /// Whether Python might have anything there: such a value takes items and
  /// state, and may be called.
  var isOpaque: Bool {
    switch self {
    case .object, .global, .persistentID, .extension: true
    default: false
    }
  }
}
