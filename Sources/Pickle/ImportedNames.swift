/// Finds out the names of everything that a pickle imports, by opcodes or by
/// calls of `getattr` and the like with plain strings.
struct ImportedNames {
  private let graph: PickleGraph
  /// What calls give; imports tell their names themselves.
  private var names: [UInt32: Scanner.Name] = [:]
  private var isFull = false
  /// What `attrgetter('name')` and `methodcaller('name')` get.
  private var getters: [UInt32: String] = [:]

  /// A longer name is not followed: each step would copy it.
  private static let maxLength = 1000
  private static let unknown = "…"
  /// Of more names only one is kept, as unknown, which is as bad as can be.
  private static let mostNames = 50_000

  /// Looks at every value; what a call takes is made before the call, so
  /// one pass in order is enough.
  init(_ graph: PickleGraph) {
    self.graph = graph
    for id in graph.nodes where graph.kind(id) == .object { resolve(id) }
  }

  /// The name of an import, nil for any other value.
  func name(of id: PickleGraph.NodeID) -> Scanner.Name? {
    switch graph.kind(id) {
    case .global: globalName(id)
    case .extension: .extension(code: graph.extensionCode(id) ?? 0)
    case .object: names.isEmpty ? nil : names[id.raw]
    default: nil
    }
  }

  private func globalName(_ id: PickleGraph.NodeID) -> Scanner.Name {
    if let (module, name) = graph.global(id) {
      return .global(module: module, name: name)
    }
    guard let nodes = graph.globalNameNodes(id) else {
      return .computed(Self.unknown)
    }
    return .computed(text(nodes.module) + "." + text(nodes.name))
  }

  /// Names what a call gives when it is a call that gets things by name.
  private mutating func resolve(_ id: PickleGraph.NodeID) {
    guard names.count + getters.count < Self.mostNames else {
      if !isFull { names[id.raw] = .computed(Self.unknown) }
      isFull = true
      return
    }
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
    guard case .global(let module, let name) = name(of: object.callable)
    else { return }
    switch (module, name) {
    case ("builtins", "getattr"), ("__builtin__", "getattr"):
      guard arguments.count >= 2 else { return }
      names[id.raw] = attribute(text(arguments[1]), of: arguments[0])
    case ("operator", "attrgetter"), ("operator", "methodcaller"),
      ("_operator", "attrgetter"), ("_operator", "methodcaller"):
      guard let first = arguments.first else { return }
      getters[id.raw] = text(first)
    case ("importlib", "import_module"), ("builtins", "__import__"),
      ("__builtin__", "__import__"), ("importlib", "__import__"):
      guard let module = arguments.first.map(text) else { return }
      names[id.raw] =
        module == Self.unknown ? .computed(module) : .module(module)
    default: break
    }
  }

  /// A string's text where it can be told and is short enough to be a name.
  private func text(_ id: PickleGraph.NodeID) -> String {
    let length = unsafe graph.withUnsafeBytes(of: id) { $0.count } ?? 0
    return length <= Self.maxLength
      ? graph.string(id) ?? Self.unknown : Self.unknown
  }

  private func attribute(
    _ attribute: String,
    of target: PickleGraph.NodeID
  ) -> Scanner.Name {
    let isKnown = attribute != Self.unknown
    switch name(of: target) {
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
