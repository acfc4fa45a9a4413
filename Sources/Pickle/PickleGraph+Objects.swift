extension PickleGraph {
  /// What a pickle says of an object: how it is made and changed.
  public struct Object: Sendable {
    /// How the object is made.
    public enum Construction: UInt8, Sendable, Hashable {
      /// `callable(*arguments)`.
      case reduce
      /// `callable.__new__(callable, *arguments)`.
      case newObj
      /// `callable.__new__(callable, *arguments, **keywordArguments)`.
      case newObjEx
      /// `callable(*arguments)` by Python 2's INST.
      case inst
      /// `callable(*arguments)` by Python 2's OBJ.
      case obj
    }

    /// How the object is made.
    public let construction: Construction
    /// The class or function.
    public let callable: NodeID
    /// The arguments: mostly a tuple, but it may be an object.
    public let arguments: NodeID
    /// The keyword arguments of `newObjEx`.
    public let keywordArguments: NodeID?
    /// Everything that is appended.
    public let listItems: Children
    /// Everything that is set by key.
    public let dictItems: Pairs
    /// Everything that is added as to a set.
    public let setItems: Children
    /// The state that is set last (BUILD).
    public let state: NodeID?
  }

  /// One change to an object after it is made.
  public enum Change: Sendable {
    /// Items are appended.
    case listItems(Children)
    /// Items are set by key.
    case dictItems(Pairs)
    /// Items are added as to a set.
    case setItems(Children)
    /// A state is set (BUILD).
    case state(NodeID)
    /// A function is called with the object and a state: `reduce` of two
    /// arguments.
    case call(NodeID)
  }

  /// How an object is made, nil for another kind.
  public func object(_ id: NodeID) -> Object? {
    let node = node(id)
    guard node.isKind(.object) else { return nil }
    let payload = arena.storage.payload(of: id.index)
    let record = record(id)
    return Object(
      construction: construction(node),
      callable: NodeID(UInt32(truncatingIfNeeded: payload)),
      arguments: NodeID(UInt32(truncatingIfNeeded: payload >> 32)),
      keywordArguments: record.flatMap { optional($0.keywordArguments) },
      listItems: children(record?.listItems ?? Run()),
      dictItems: pairs(record?.dictItems ?? Run()),
      setItems: children(record?.setItems ?? Run()),
      state: record.flatMap { optional($0.state) }
    )
  }

  /// What an object is made by, without its items and state, nil for another
  /// kind: much less work than ``object(_:)``.
  public func call(
    _ id: NodeID
  ) -> (
    construction: Object.Construction, callable: NodeID, arguments: NodeID
  )? {
    let node = node(id)
    guard node.isKind(.object) else { return nil }
    let payload = arena.storage.payload(of: id.index)
    return (
      construction(node),
      NodeID(UInt32(truncatingIfNeeded: payload)),
      NodeID(UInt32(truncatingIfNeeded: payload >> 32))
    )
  }

  /// The changes to an object, global, persistent id or extension code after
  /// it is made, in order; none for another kind.
  public func changes(_ id: NodeID) -> [Change] {
    guard let record = record(id) else { return [] }
    var used = (list: 0, dict: 0, set: 0)
    let pairs = Pairs(
      arena,
      start: Int(record.changes.start),
      count: Int(record.changes.count) / 2
    )
    return pairs.map { code, value in
      let count = value.index
      switch code.raw {
      case ChangeCode.listItems:
        defer { used.list += count }
        return .listItems(part(record.listItems, used.list, count))
      case ChangeCode.dictItems:
        defer { used.dict += count }
        return .dictItems(
          Pairs(
            arena,
            start: Int(record.dictItems.start) + used.dict,
            count: count / 2
          )
        )
      case ChangeCode.setItems:
        defer { used.set += count }
        return .setItems(part(record.setItems, used.set, count))
      case ChangeCode.state: return .state(value)
      default: return .call(value)
      }
    }
  }

  /// Whether an object, global, persistent id or extension code is changed
  /// after it is made.
  public func hasChanges(_ id: NodeID) -> Bool {
    (record(id)?.changes.count ?? 0) > 0
  }

  /// For each node by its index whether it is changed after it is made, as
  /// ``hasChanges(_:)`` says: for those who ask of all.
  package var changeFlags: [Bool] {
    var flags = [Bool](repeating: false, count: nodeCount)
    let nodes = unsafe arena.storage.nodes.elements
    for index in flags.indices where unsafe nodes[index].has(.recorded) {
      flags[index] = hasChanges(NodeID(UInt32(truncatingIfNeeded: index)))
    }
    withExtendedLifetime(arena) {}
    return flags
  }

  /// Whether an object is given a state (BUILD) more than once, which Python's
  /// own pickler never does.
  public func hasSeveralStates(_ id: NodeID) -> Bool {
    guard let record = record(id), record.changes.count > 2 else {
      return false
    }
    return pairs(record.changes).lazy
      .filter { $0.key.raw == ChangeCode.state }.dropFirst().first != nil
  }

  /// A global's module and name, nil for another kind.
  public func global(_ id: NodeID) -> (module: String, name: String)? {
    guard let number = globalNumber(id) else { return nil }
    let name = arena.storage.globals.names[number]
    return (name.module, name.name)
  }

  /// Whether the value is the global `module.name`; makes no string.
  public func global(
    _ id: NodeID,
    is module: StaticString,
    _ name: StaticString
  ) -> Bool {
    guard let number = globalNumber(id) else { return false }
    let found = arena.storage.globals.names[number]
    return same(found.name, name) && same(found.module, module)
  }

  /// A global's number among ``globalNames``, nil for another kind and for a
  /// name that only Python could compute: equal names have equal numbers.
  public func globalNumber(_ id: NodeID) -> Int? {
    guard node(id).isKind(.global) else { return nil }
    let number = UInt32(
      truncatingIfNeeded: arena.storage.payload(of: id.index)
    )
    return number == Node.computedGlobal ? nil : Int(number)
  }

  /// The nodes that a global's module and name were taken from (protocol 4),
  /// nil where the pickle has them as plain lines.
  public func globalNameNodes(
    _ id: NodeID
  ) -> (module: NodeID, name: NodeID)? {
    guard node(id).isKind(.global) else { return nil }
    let names = UInt32(
      truncatingIfNeeded: arena.storage.payload(of: id.index) >> 32
    )
    guard names != noNode else { return nil }
    let pair = arena.storage.globalNames[Int(names)]
    return (NodeID(pair.x), NodeID(pair.y))
  }

  /// The distinct globals, in order of appearance.
  public var globalNames: [(module: String, name: String)] {
    arena.storage.globals.names.map { ($0.module, $0.name) }
  }

  func construction(_ node: Node) -> Object.Construction {
    Object.Construction(rawValue: node.flags.rawValue >> 4 & 7) ?? .reduce
  }

  private func part(_ run: Run, _ start: Int, _ count: Int) -> Children {
    Children(arena, start: Int(run.start) + start, count: count)
  }

  private func optional(_ raw: UInt32) -> NodeID? {
    raw == noNode ? nil : NodeID(raw)
  }

  private func same(_ text: String, _ expected: StaticString) -> Bool {
    expected.withUTF8Buffer { buffer in
      let utf8 = text.utf8
      guard utf8.count == buffer.count else { return false }
      return unsafe utf8.elementsEqual(buffer)
    }
  }
}
