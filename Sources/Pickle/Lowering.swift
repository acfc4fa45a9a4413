/// Gives values that a protocol has no opcode for the form that CPython
/// gives them there.
enum Lowering {
  /// The graph with such values replaced; the same graph if there are none.
  static func lower(
    _ graph: PickleGraph,
    to version: Int
  ) throws(PickleError) -> PickleGraph {
    guard version < 4 else { return graph }
    var lowered = graph
    let count = graph.nodeCount
    // A dotted name is a path of attributes only from protocol 4 on.
    let hasPaths =
      graph.protocolVersion >= 4
      && graph.arena.storage.globals.names.contains {
        $0.name.utf8.contains(UInt8(ascii: "."))
      }
    for index in 0..<count {
      let node = graph.arena.storage.nodes[index]
      let id = PickleGraph.NodeID(UInt32(truncatingIfNeeded: index))
      if node.isKind(.object) {
        switch graph.construction(node) {
        case .newObjEx: try lowerNewObjEx(id, &lowered)
        case .newObj where version < 2: try lowerNewObj(id, &lowered)
        default: break
        }
      } else if hasPaths && node.isKind(.global) {
        lowerPath(id, &lowered)
      }
    }
    return lowered
  }

  /// `getattr(module.A, 'B')` for the global `A.B`.
  private static func lowerPath(
    _ id: PickleGraph.NodeID,
    _ graph: inout PickleGraph
  ) {
    guard let (module, name) = graph.global(id) else { return }
    let parts = name.split(separator: ".").map(String.init)
    guard parts.count > 1 else { return }
    var parent = graph.addGlobal(module: module, name: parts[0])
    for (i, part) in parts.dropFirst().enumerated() {
      let callable = builtin("getattr", &graph)
      let arguments = graph.addTuple([parent, graph.addString(part)])
      if i == parts.count - 2 {
        graph.reshape(id, .reduce, callable, arguments)
      } else {
        parent = graph.addReduce(callable: callable, arguments: arguments)
      }
    }
  }

  /// `functools.partial(cls.__new__, cls, *args, **kwargs)()`.
  private static func lowerNewObjEx(
    _ id: PickleGraph.NodeID,
    _ graph: inout PickleGraph
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
    let getattr = builtin("getattr", &graph)
    let newName = graph.addString("__new__")
    let function = graph.addReduce(
      callable: getattr,
      arguments: graph.addTuple([object.callable, newName])
    )
    let partial = graph.addReduce(
      callable: graph.addGlobal(module: "functools", name: "partial"),
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
  private static func lowerNewObj(
    _ id: PickleGraph.NodeID,
    _ graph: inout PickleGraph
  ) throws(PickleError) {
    guard let object = graph.object(id), graph.kind(object.arguments) == .tuple
    else {
      throw PickleError(
        .unencodable("NEWOBJ with these arguments needs protocol 2"),
        offset: graph.offset(id)
      )
    }
    let module = graph.protocolVersion < 3 ? "copy_reg" : "copyreg"
    let callable = graph.addGlobal(module: module, name: "__newobj__")
    let arguments = graph.addTuple(
      [object.callable] + graph.children(object.arguments)
    )
    graph.reshape(id, .reduce, callable, arguments)
  }

  private static func builtin(
    _ name: String,
    _ graph: inout PickleGraph
  ) -> PickleGraph.NodeID {
    graph.addGlobal(
      module: graph.protocolVersion < 3 ? "__builtin__" : "builtins",
      name: name
    )
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
