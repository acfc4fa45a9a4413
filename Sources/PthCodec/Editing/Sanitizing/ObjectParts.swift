internal import Pickle

/// All that a pickle says of an object, however it says it.
struct ObjectParts {
  typealias NodeID = PickleGraph.NodeID

  let construction: PickleGraph.Object.Construction
  /// The class or function; nil where another call gives it.
  private(set) var callable: (module: String, name: String)?
  /// The object that is called where that is no class or function.
  private(set) var nestedCall: NodeID?
  let argumentsNode: NodeID
  private(set) var arguments: [NodeID]
  private(set) var keywords: [(key: NodeID, value: NodeID)] = []
  let listItems: [NodeID]
  let dictItems: [(key: NodeID, value: NodeID)]
  let setItems: [NodeID]
  /// The state, where it is attributes by name.
  private(set) var attributes: [(key: NodeID, value: NodeID)] = []
  /// The state, where it is something else.
  private(set) var otherState: NodeID?

  /// Takes an object apart; nil for one that a function changes afterwards or
  /// that is given a state twice, and for another kind of node.
  init?(_ id: NodeID, in graph: PickleGraph) {
    guard let object = graph.object(id), !graph.hasSeveralStates(id) else {
      return nil
    }
    for change in graph.changes(id) {
      if case .call = change { return nil }
    }
    construction = object.construction
    argumentsNode = object.arguments
    listItems = Array(object.listItems)
    dictItems = Array(object.dictItems)
    setItems = Array(object.setItems)
    arguments =
      graph.kind(object.arguments) == .tuple
      ? Array(graph.children(object.arguments)) : [object.arguments]
    if let named = object.keywordArguments {
      keywords = Array(graph.pairs(named))
    }
    callable = graph.global(object.callable)
    if callable == nil { nestedCall = object.callable }
    takeState(object.state, graph)
    unwrap(object.callable, graph)
  }

  private mutating func takeState(_ state: NodeID?, _ graph: PickleGraph) {
    guard let state else { return }
    switch graph.kind(state) {
    case .none: break
    case .dict: attributes = Array(graph.pairs(state))
    case .tuple:
      // (attributes, slots): either may be None.
      let both = Array(graph.children(state))
      guard both.count == 2,
        both.allSatisfy({ [.dict, .none].contains(graph.kind($0)) })
      else {
        otherState = state
        return
      }
      attributes = both.flatMap { Array(graph.pairs($0)) }
    default: otherState = state
    }
  }

  /// Sees through the ways in which Python writes `cls.__new__(cls, …)`.
  private mutating func unwrap(_ called: NodeID, _ graph: PickleGraph) {
    if callable?.name == "_reconstructor", arguments.count == 3 {
      // copyreg._reconstructor(cls, object, None)
      callable = graph.global(arguments[0]) ?? callable
      if graph.kind(arguments[2]) == .none { arguments = [] }
    } else if callable?.name == "__newobj__", !arguments.isEmpty {
      callable = graph.global(arguments[0]) ?? callable
      arguments.removeFirst()
    } else if let partial = graph.object(called), arguments.isEmpty,
      graph.global(partial.callable, is: "functools", "partial"),
      let state = partial.state
    {
      // functools.partial(cls.__new__, cls, *args, **kwargs)()
      let parts = Array(graph.children(state))
      guard parts.count == 4, graph.kind(parts[1]) == .tuple,
        let type = graph.children(parts[1]).first
          .flatMap({ graph.global($0) })
      else { return }
      callable = type
      nestedCall = nil
      arguments = Array(graph.children(parts[1]).dropFirst())
      keywords = Array(graph.pairs(parts[2]))
    }
  }

  /// Python's name of the class or function.
  var typeName: String {
    callable.map { "\($0.module).\($0.name)" } ?? "object"
  }

  /// Whether it is `collections.deque`, whose arguments are limits.
  var isDeque: Bool {
    callable?.module == "collections" && callable?.name == "deque"
  }
}
