/// Finds out the names of everything that a pickle imports, by opcodes or by
/// calls of `getattr` and the like with plain strings.
struct ImportedNames {
  private let graph: PickleGraph
  private var names: [UInt32: Scanner.Name] = [:]
  /// What `attrgetter('name')` and `methodcaller('name')` get.
  private var getters: [UInt32: String] = [:]

  /// A longer name is not followed: each step would copy it.
  private static let maxLength = 1000
  private static let unknown = "…"

  /// Looks at every value; what a call takes is made before the call, so
  /// one pass in order is enough.
  init(_ graph: PickleGraph) {
    self.graph = graph
    for id in graph.nodes {
      switch graph.kind(id) {
      case .global: names[id.raw] = globalName(id)
      case .extension:
        names[id.raw] = .extension(code: graph.extensionCode(id) ?? 0)
      case .object: resolve(id)
      default: break
      }
    }
  }

  /// The name of an import, nil for any other value.
  func name(of id: PickleGraph.NodeID) -> Scanner.Name? { names[id.raw] }

  private func globalName(_ id: PickleGraph.NodeID) -> Scanner.Name {
    if let (module, name) = graph.global(id) {
      return .global(module: module, name: name)
    }
    guard let nodes = graph.globalNameNodes(id) else {
      return .computed(Self.unknown)
    }
    let module = graph.string(nodes.module) ?? Self.unknown
    let name = graph.string(nodes.name) ?? Self.unknown
    return .computed(module + "." + name)
  }

  /// Names what a call gives when it is a call that gets things by name.
  private mutating func resolve(_ id: PickleGraph.NodeID) {
    guard let object = graph.object(id),
      graph.kind(object.arguments) == .tuple
    else { return }
    let arguments = graph.children(object.arguments)
    if let getter = getters[object.callable.raw] {
      if let target = arguments.first {
        names[id.raw] = attribute(getter, of: target)
      }
      return
    }
    guard case .global(let module, let name) = names[object.callable.raw]
    else { return }
    switch (module, name) {
    case ("builtins", "getattr"), ("__builtin__", "getattr"):
      guard arguments.count >= 2 else { return }
      names[id.raw] = attribute(
        graph.string(arguments[1]) ?? Self.unknown,
        of: arguments[0]
      )
    case ("operator", "attrgetter"), ("operator", "methodcaller"),
      ("_operator", "attrgetter"), ("_operator", "methodcaller"):
      guard let first = arguments.first else { return }
      getters[id.raw] = graph.string(first) ?? Self.unknown
    case ("importlib", "import_module"), ("builtins", "__import__"),
      ("__builtin__", "__import__"), ("importlib", "__import__"):
      guard let first = arguments.first else { return }
      names[id.raw] =
        graph.string(first).map { .module($0) } ?? .computed(Self.unknown)
    default: break
    }
  }

  private func attribute(
    _ attribute: String,
    of target: PickleGraph.NodeID
  ) -> Scanner.Name {
    let isKnown = attribute != Self.unknown
    switch names[target.raw] {
    case .global(let module, let name)
    where isKnown && name.utf8.count + attribute.utf8.count < Self.maxLength:
      return .global(module: module, name: name + "." + attribute)
    case .module(let module) where isKnown:
      return .global(module: module, name: attribute)
    case .computed: return .computed(Self.unknown + "." + attribute)
    case .some(let name):
      let text = name.description
      let start = text.utf8.count < Self.maxLength ? text : Self.unknown
      return .computed(start + "." + attribute)
    case nil: return .computed(Self.unknown + "." + attribute)
    }
  }
}
