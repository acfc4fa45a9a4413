/// Gives values that a protocol has no opcode for the form that CPython
/// gives them there.
struct Lowering {
  private var graph: PickleGraph
  /// A node for each global, since a class is one and the same everywhere.
  private var globals: [GlobalTable.Name: PickleGraph.NodeID] = [:]

  /// No class is nested deeper than this.
  private static let maxParts = 100

  /// The graph with such values replaced; the same graph if there are none.
  static func lower(
    _ graph: PickleGraph,
    to version: Int
  ) throws(PickleError) -> PickleGraph {
    guard version < 4 else { return graph }
    var lowering = Lowering(graph: graph)
    try lowering.lowerAll(to: version)
    return lowering.graph
  }

  private init(graph: PickleGraph) { self.graph = graph }

  private mutating func lowerAll(to version: Int) throws(PickleError) {
    var paths: [PickleGraph.NodeID] = []
    // A dotted name is a path of attributes only from protocol 4 on.
    let hasPaths =
      graph.protocolVersion >= 4
      && graph.arena.storage.globals.names.contains {
        $0.name.utf8.contains(UInt8(ascii: "."))
      }
    for index in 0..<graph.nodeCount {
      let node = graph.arena.storage.nodes[index]
      let id = PickleGraph.NodeID(UInt32(truncatingIfNeeded: index))
      if node.isKind(.object) {
        switch graph.construction(node) {
        case .newObjEx: try lowerNewObjEx(id)
        case .newObj where version < 2: try lowerNewObj(id)
        default: break
        }
      } else if hasPaths, let (module, name) = graph.global(id) {
        let key = GlobalTable.Name(module: module, name: name)
        if globals[key] == nil { globals[key] = id }
        paths.append(id)
      }
    }
    for id in paths { try lowerPath(id) }
  }

  /// The node of a global, made at the first need.
  private mutating func global(
    _ module: String,
    _ name: String
  ) throws(PickleError) -> PickleGraph.NodeID {
    let key = GlobalTable.Name(module: module, name: name)
    if let known = globals[key] ?? existing(key) {
      globals[key] = known
      return known
    }
    let id = graph.addGlobal(module: module, name: name)
    globals[key] = id
    if name.utf8.contains(UInt8(ascii: ".")) { try lowerPath(id) }
    return id
  }

  /// The node that the graph has of a global already.
  private func existing(_ key: GlobalTable.Name) -> PickleGraph.NodeID? {
    guard graph.arena.storage.globals.names.contains(key) else { return nil }
    return graph.nodes.first { id in
      guard let number = graph.globalNumber(id), !graph.hasChanges(id) else {
        return false
      }
      return graph.arena.storage.globals.names[number] == key
    }
  }

  private mutating func builtin(
    _ name: String
  ) throws(PickleError) -> PickleGraph.NodeID {
    try global(graph.protocolVersion < 3 ? "__builtin__" : "builtins", name)
  }

  /// Writes the global `A.B` as `getattr(A, 'B')`.
  private mutating func lowerPath(
    _ id: PickleGraph.NodeID
  ) throws(PickleError) {
    guard let (module, name) = graph.global(id) else { return }
    let parts = name.split(
      separator: ".",
      omittingEmptySubsequences: false
    )
    guard parts.count > 1, let last = parts.last else { return }
    guard parts.count <= Self.maxParts else {
      throw PickleError(
        .unencodable("a name of so many parts needs protocol 4"),
        offset: graph.offset(id)
      )
    }
    let parent = try global(
      module,
      parts.dropLast().joined(separator: ".")
    )
    let arguments = graph.addTuple([parent, graph.addString(String(last))])
    graph.reshape(id, .reduce, try builtin("getattr"), arguments)
  }

  /// `functools.partial(cls.__new__, cls, *args, **kwargs)()`.
  private mutating func lowerNewObjEx(
    _ id: PickleGraph.NodeID
  ) throws(PickleError) {
    guard let object = graph.object(id),
      let keywords = object.keywordArguments,
      graph.kind(object.arguments) == .tuple
    else {
      throw PickleError(
        .unencodable("NEWOBJ_EX with these arguments needs protocol 4"),
        offset: graph.offset(id)
      )
    }
    let getattr = try builtin("getattr")
    let newName = graph.addString("__new__")
    let function = graph.addReduce(
      callable: getattr,
      arguments: graph.addTuple([object.callable, newName])
    )
    let partial = graph.addReduce(
      callable: try global("functools", "partial"),
      arguments: graph.addTuple([function])
    )
    let bound = graph.addTuple(
      [object.callable] + graph.children(object.arguments)
    )
    let state = graph.addTuple([function, bound, keywords, graph.addNone()])
    graph.setState(state, of: partial)
    graph.reshape(id, .reduce, partial, graph.addTuple([]))
  }

  /// `copyreg.__newobj__(cls, *args)`.
  private mutating func lowerNewObj(
    _ id: PickleGraph.NodeID
  ) throws(PickleError) {
    guard let object = graph.object(id), graph.kind(object.arguments) == .tuple
    else {
      throw PickleError(
        .unencodable("NEWOBJ with these arguments needs protocol 2"),
        offset: graph.offset(id)
      )
    }
    let module = graph.protocolVersion < 3 ? "copy_reg" : "copyreg"
    let callable = try global(module, "__newobj__")
    let arguments = graph.addTuple(
      [object.callable] + graph.children(object.arguments)
    )
    graph.reshape(id, .reduce, callable, arguments)
  }
}

extension PickleGraph {
  /// Makes a global or object an object that is made otherwise; what is done
  /// to it afterwards stays.
  mutating func reshape(
    _ id: NodeID,
    _ construction: Object.Construction,
    _ callable: NodeID,
    _ arguments: NodeID
  ) {
    makeUnique()
    let old = node(id)
    let payload = UInt64(callable.raw) | UInt64(arguments.raw) << 32
    var new = Node(
      .object,
      flags: construction.flags,
      offset: old.offset,
      payload
    )
    if old.has(.recorded) {
      let record = Int(old.payload)
      arena.storage.records[record].payload = payload
      arena.storage.records[record].keywordArguments = noNode
      new.flags.insert(.recorded)
      new.payload = old.payload
    }
    arena.storage.nodes[id.index] = new
  }
}
