/// Lists what a pickle would import and call, without doing either.
///
/// It only reports facts; what of them is harmless is for others to say.
public struct Scanner {
  /// What a pickle imports and calls.
  public struct Report: Sendable {
    /// Everything that is imported or named, in order of appearance.
    public let findings: [Finding]
    /// Why the pickle can't be read to its end, or nil: the findings are
    /// those up to there.
    public let failure: PickleError?
    /// The protocol that the pickle says it has.
    public let protocolVersion: Int
    /// The offset of the byte after what was read.
    public let endOffset: Int
  }

  /// One thing that a pickle imports, and what it does with it.
  public struct Finding: Sendable, Hashable {
    /// What is imported.
    public let name: Name
    /// The offset of the opcode that imports it, from the start of the
    /// source.
    public let offset: Int
    /// The opcode that imports it.
    public let opcode: Opcode?
    /// Where in the pickle's value it is used, keys and indices joined by
    /// dots; nil when it is used outside of the value.
    public let path: String?
    /// How often it is called.
    public internal(set) var callCount = 0
    /// How many imports of this name it stands for: in a pickle of very many,
    /// later ones of the same name are counted where the first was found.
    public internal(set) var importCount = 1
    /// The offset of the first call, or nil.
    public internal(set) var firstCall: Int?
    /// How the first call is made: REDUCE, NEWOBJ, NEWOBJ_EX, OBJ or INST.
    public internal(set) var firstCallOpcode: Opcode?
    /// Whether something that it makes is given a state (BUILD), items or
    /// elements, which calls `__setstate__`, `__setitem__` and the like.
    public internal(set) var fillsResult = false
    /// Whether the import itself is given a state or items: that changes a
    /// class or module of the running program.
    public internal(set) var isChanged = false

    /// What its calls get, where it is `getattr` and they say so by a plain
    /// name: each of these is a finding of its own too.
    public internal(set) var namedByCalls: [Name] = []
    /// Whether it is `getattr`, called by the pickle only and each time with a
    /// plain name, so that what it gets is known.
    public internal(set) var isNamingOnly = false
    /// Whether the pickle uses it otherwise than by calling it or by getting a
    /// plainly named attribute of it: as an argument, a value or a state.
    public internal(set) var isPassedOn = false

    /// Whether the pickle calls it.
    public var isCalled: Bool { callCount > 0 }
  }

  /// The name of something imported.
  public enum Name: Sendable, Hashable, CustomStringConvertible {
    /// A module's attribute; `name` is a path with dots where attributes of
    /// attributes are taken, also by `getattr`.
    case global(module: String, name: String)
    /// A module, imported by a call.
    case module(String)
    /// A code of the extension registry, whose meaning no pickle tells.
    case `extension`(code: Int)
    /// A name that isn't written in the pickle but computed by its calls;
    /// as far as it is known, with `…` for the rest.
    case computed(String)

    /// The name in one word.
    public var description: String {
      switch self {
      case .global(let module, let name): module + "." + name
      case .module(let name): name
      case .extension(let code): "extension \(code)"
      case .computed(let text): text
      }
    }
  }

  /// Scans a pickle, as far as it can be read.
  ///
  /// - Parameters:
  ///   - source: The bytes.
  ///   - offset: Where the pickle starts.
  ///   - limits: How much the pickle may ask for.
  /// - Returns: What it imports and calls.
  public static func scan(
    _ source: PickleSource,
    at offset: Int = 0,
    limits: PickleLimits = .default
  ) -> Report {
    scan(
      Unpickler.decodePermissively(source, at: offset, limits: limits),
      source
    )
  }

  /// Lists what a decoded pickle imports and calls.
  ///
  /// - Parameters:
  ///   - partial: The pickle, as far as it could be decoded.
  ///   - source: The bytes that it was decoded from.
  /// - Returns: What it imports and calls.
  public static func scan(
    _ partial: Unpickler.Partial,
    _ source: PickleSource
  ) -> Report {
    let graph = partial.graph
    let names = ImportedNames(graph)
    let paths = KeyPaths(graph)
    var findings: [Finding] = []
    var places = Places(graph)
    var known: [Name: Int] = [:]
    for id in graph.nodes {
      guard let name = names.name(of: id) else { continue }
      if findings.count >= mostRepeated, !name.isGetattr {
        if let place = known[name] {
          places[id] = place
          findings[place].importCount += 1
          if graph.hasChanges(id) { findings[place].isChanged = true }
          continue
        }
        known[name] = findings.count
      }
      places[id] = findings.count
      let offset = graph.offset(id)
      findings.append(
        Finding(
          name: name,
          offset: offset,
          opcode: source.opcode(at: offset),
          path: paths.path(of: id),
          isChanged: graph.hasChanges(id)
        )
      )
    }
    for id in graph.nodes where graph.kind(id) == .object {
      noteCall(id, graph, places, &findings)
    }
    noteUses(graph, places, &findings)
    noteNaming(graph, names, places, &findings)
    return Report(
      findings: findings,
      failure: partial.failure,
      protocolVersion: graph.protocolVersion,
      endOffset: graph.endOffset
    )
  }

  /// So many findings may have names that others have too.
  private static let mostRepeated = 10_000

  /// The findings of the nodes that are imports.
  private struct Places {
    private var indices: [Int32]

    init(_ graph: PickleGraph) {
      indices = Array(repeating: -1, count: graph.nodeCount)
    }

    subscript(id: PickleGraph.NodeID) -> Int? {
      get {
        let index = Int(indices[id.index])
        return index < 0 ? nil : index
      }
      set { indices[id.index] = Int32(truncatingIfNeeded: newValue ?? -1) }
    }
  }

  private static func noteCall(
    _ id: PickleGraph.NodeID,
    _ graph: PickleGraph,
    _ places: Places,
    _ findings: inout [Finding]
  ) {
    guard let object = graph.object(id),
      let place = places[object.callable]
    else { return }
    findings[place].callCount += 1
    if graph.hasChanges(id) { findings[place].fillsResult = true }
    guard findings[place].firstCall == nil else { return }
    findings[place].firstCall = graph.offset(id)
    findings[place].firstCallOpcode =
      switch object.construction {
      case .reduce: .reduce
      case .newObj: .newObj
      case .newObjEx: .newObjEx
      case .inst: .inst
      case .obj: .obj
      }
  }
}

extension Scanner {
  /// Tells of each import whether it is passed on.
  private static func noteUses(
    _ graph: PickleGraph,
    _ places: Places,
    _ findings: inout [Finding]
  ) {
    guard !findings.isEmpty else { return }
    // As the callable of each of its calls it is referred to once.
    var others = findings.map { -$0.callCount }
    if let place = places[graph.root] { others[place] += 1 }
    var named: Set<PickleGraph.NodeID> = []
    for id in graph.nodes {
      graph.forEachReference(of: id) { other in
        if let place = places[other] { others[place] += 1 }
      }
      // Calls that get an attribute by its name have names themselves; they
      // may share their arguments.
      guard places[id] != nil, let object = graph.object(id),
        let place = places[object.callable], findings[place].name.isGetattr,
        let target = graph.children(object.arguments).first,
        let owner = places[target],
        named.insert(object.arguments).inserted
      else { continue }
      others[owner] -= 1
    }
    for (place, count) in others.enumerated() where count != 0 {
      findings[place].isPassedOn = true
    }
  }

  /// Tells of each `getattr` what it gets, and whether it does nothing else.
  private static func noteNaming(
    _ graph: PickleGraph,
    _ names: ImportedNames,
    _ places: Places,
    _ findings: inout [Finding]
  ) {
    guard findings.contains(where: \.name.isGetattr) else { return }
    for id in graph.nodes where graph.kind(id) == .object {
      guard let object = graph.object(id),
        let place = places[object.callable], findings[place].name.isGetattr,
        let name = names.name(of: id)
      else { continue }
      findings[place].namedByCalls.append(name)
    }
    for place in findings.indices where findings[place].name.isGetattr {
      findings[place].isNamingOnly =
        findings[place].isCalled && !findings[place].isPassedOn
        && findings[place].namedByCalls.count == findings[place].callCount
    }
  }
}

extension Scanner.Name {
  /// Whether it is the function that gets an attribute by its name.
  fileprivate var isGetattr: Bool {
    self == .global(module: "builtins", name: "getattr")
      || self == .global(module: "__builtin__", name: "getattr")
  }
}

extension PickleSource {
  func opcode(at offset: Int) -> Opcode? {
    guard offset >= 0 && offset < count else { return nil }
    return unsafe Opcode(rawValue: bytes[offset])
  }
}
