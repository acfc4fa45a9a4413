/// Gives what an older protocol could only write as a call the form that
/// CPython gives it in a newer one: bytes, sets, `bytearray`, nested classes,
/// objects that are made with keywords.
struct Raising {
  private typealias NodeID = PickleGraph.NodeID

  private var graph: PickleGraph
  private let version: Int
  /// What each of the graph's globals stands for, where it is one of these.
  private let callables: [Callable?]

  /// Where data could not stand.
  private var places = RaisingPlaces()
  /// Tuples that hold what can't be hashed.
  private var unhashable: Set<NodeID> = []

  private enum Callable {
    case encode, bytes, byteArray, set, frozenSet, getattr, partial
  }

  /// The graph with such calls replaced; the same graph if there are none.
  static func raise(_ graph: PickleGraph, to version: Int) -> PickleGraph {
    let old = graph.protocolVersion
    guard version >= 3, old < version else { return graph }
    let callables = graph.arena.storage.globals.names.map {
      callable($0, from: old, to: version)
    }
    guard callables.contains(where: { $0 != nil }) else { return graph }
    var raising = Raising(
      graph: graph,
      version: version,
      callables: callables
    )
    raising.raiseAll()
    return raising.graph
  }

  private static func callable(
    _ global: GlobalTable.Name,
    from old: Int,
    to version: Int
  ) -> Callable? {
    let gainsBytes = old < 3
    let gainsSets = old < 4 && version >= 4
    let gainsByteArrays = version >= 5
    switch (global.module, global.name) {
    case ("_codecs", "encode"): return gainsBytes ? .encode : nil
    case ("functools", "partial"): return gainsSets ? .partial : nil
    case ("__builtin__", let name), ("builtins", let name):
      switch name {
      case "bytes": return gainsBytes ? .bytes : nil
      case "bytearray": return gainsByteArrays ? .byteArray : nil
      case "set": return gainsSets ? .set : nil
      case "frozenset": return gainsSets ? .frozenSet : nil
      case "getattr": return gainsSets ? .getattr : nil
      default: return nil
      }
    default: return nil
    }
  }

  private mutating func raiseAll() {
    let classes = classes()
    places = RaisingPlaces(graph) { id in
      isCall(id, of: .set) || isCall(id, of: .frozenSet)
    }
    // Arguments come before what is made of them.
    for index in 0..<graph.nodeCount {
      let id = NodeID(UInt32(truncatingIfNeeded: index))
      let node = graph.node(id)
      if node.isKind(.tuple), !graph.children(id).allSatisfy(isHashable) {
        unhashable.insert(id)
      }
      guard node.isKind(.object), graph.construction(node) == .reduce else {
        continue
      }
      let payload = graph.arena.storage.payload(of: index)
      let function = NodeID(UInt32(truncatingIfNeeded: payload))
      let arguments = NodeID(UInt32(truncatingIfNeeded: payload >> 32))
      guard graph.kind(arguments) == .tuple else { continue }
      if graph.kind(function) == .object {
        raiseKeywords(id, function, arguments)
      } else if let number = graph.globalNumber(function),
        number < callables.count, let callable = callables[number],
        !graph.hasChanges(id),
        callable == .getattr ? classes.contains(id) : canBeData(id, callable),
        let value = value(callable, Array(graph.children(arguments)))
      {
        graph.replace(id, with: value)
      }
    }
  }

  /// Python would refuse what these calls give where they stand otherwise, and
  /// so do readers once they see it.
  private func canBeData(_ id: NodeID, _ callable: Callable) -> Bool {
    !places.called.contains(id)
      && (callable != .set && callable != .byteArray
        || !places.hashed.contains(id))
  }

  /// What is called as a class or function, and the classes around it.
  ///
  /// `getattr(A, 'B')` that is only a value is mostly an enumeration's member,
  /// which CPython writes so in every protocol.
  private func classes() -> Set<NodeID> {
    guard callables.contains(.getattr) else { return [] }
    var classes: Set<NodeID> = []
    for index in (0..<graph.nodeCount).reversed() {
      let id = NodeID(UInt32(truncatingIfNeeded: index))
      guard let object = graph.object(id) else { continue }
      if graph.kind(object.callable) == .object {
        classes.insert(object.callable)
      }
      if classes.contains(id), isCall(id, of: .getattr),
        let outer = graph.children(object.arguments).first
      {
        classes.insert(outer)
      }
    }
    return classes
  }

  /// What a call gives, where a newer protocol has a form for it.
  private mutating func value(
    _ callable: Callable,
    _ arguments: [NodeID]
  ) -> NodeID? {
    switch (callable, arguments.count) {
    case (.encode, 2): return encoded(arguments[0], arguments[1])
    case (.bytes, 0): return graph.addBytes([])
    case (.byteArray, 0): return graph.addByteArray([])
    case (.byteArray, 1):
      guard graph.kind(arguments[0]) == .bytes,
        !graph.isPython2String(arguments[0])
      else { return nil }
      return graph.bytes(arguments[0]).map { graph.addByteArray($0) }
    case (.set, 1), (.frozenSet, 1):
      guard graph.kind(arguments[0]) == .list else { return nil }
      let elements = Array(graph.children(arguments[0]))
      // A list that became longer after the call might hold anything.
      guard elements.allSatisfy({ isHashable($0) }) else { return nil }
      return callable == .set
        ? graph.addSet(elements) : graph.addFrozenSet(elements)
    case (.getattr, 2): return attribute(arguments[0], arguments[1])
    default: return nil
    }
  }

  private func isHashable(_ id: NodeID) -> Bool {
    switch graph.kind(id) {
    case .list, .dict, .set, .byteArray, .buffer: false
    case .tuple: !unhashable.contains(id)
    default: true
    }
  }

  /// `_codecs.encode(text, 'latin1')`.
  private mutating func encoded(_ text: NodeID, _ codec: NodeID) -> NodeID? {
    guard graph.string(codec, equals: "latin1"),
      graph.kind(text) == .string, !graph.isPython2String(text)
    else { return nil }
    let bytes = unsafe graph.withUnsafeBytes(of: text) {
      unsafe EscapedText.latin1Bytes(ofUTF8: $0)
    }
    return bytes.flatMap { $0 }.map { graph.addBytes($0) }
  }

  /// `getattr(A, 'B')` is the global `A.B`.
  private mutating func attribute(_ parent: NodeID, _ name: NodeID) -> NodeID? {
    guard let (module, path) = graph.global(parent),
      !graph.hasChanges(parent), let name = graph.string(name),
      name != Self.new, !name.isEmpty, !name.utf8.contains(UInt8(ascii: "."))
    else { return nil }
    return graph.addGlobal(module: module, name: "\(path).\(name)")
  }

  private static let new = "__new__"

  /// `functools.partial(cls.__new__, cls, *args, **kwargs)()`, as
  /// ``Lowering`` writes it too.
  private mutating func raiseKeywords(
    _ id: NodeID,
    _ function: NodeID,
    _ arguments: NodeID
  ) {
    guard graph.children(arguments).isEmpty,
      isCall(function, of: .partial),
      let changes = Optional(graph.changes(function)), changes.count == 1,
      case .state(let state) = changes[0], graph.kind(state) == .tuple
    else { return }
    let parts = Array(graph.children(state))
    guard parts.count == 4, graph.kind(parts[1]) == .tuple,
      graph.kind(parts[2]) == .dict, graph.kind(parts[3]) == .none,
      isCall(parts[0], of: .getattr), !graph.hasChanges(parts[0]),
      let maker = graph.object(parts[0])
    else { return }
    let made = Array(graph.children(maker.arguments))
    let bound = Array(graph.children(parts[1]))
    guard made.count == 2, graph.string(made[1], equals: Self.new),
      bound.first == made[0]
    else { return }
    let positional = graph.addTuple(Array(bound.dropFirst()))
    graph.reshape(id, .newObjEx, made[0], positional)
    graph.setKeywordArguments(parts[2], of: id)
  }

  private func isCall(_ id: NodeID, of callable: Callable) -> Bool {
    guard let object = graph.object(id), object.construction == .reduce,
      graph.kind(object.arguments) == .tuple,
      let number = graph.globalNumber(object.callable),
      number < callables.count
    else { return false }
    return callables[number] == callable
  }
}
