internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Rewrites an object into what `torch.load(weights_only=True)` lets through.
///
/// Each node is looked at once, from the root on; what it becomes keeps its
/// place, so that everything that refers to it refers to the new value.
struct Sanitizer {
  typealias NodeID = PickleGraph.NodeID

  var editor: GraphEditor
  private(set) var changes: [SanitizedValue] = []

  /// The graph as it was: what a node of it is does not change on the way.
  let original: PickleGraph
  let reader: GraphReader

  /// Keys of dictionaries and elements of sets, which Python must hash.
  private let hashed: Set<NodeID>

  /// The version of PyTorch whose rules hold.
  private static let torch = TorchVersionTable(.torch2)

  /// How each node is reached, by its index.
  private var parents: [Step?]

  private struct Step {
    let parent: NodeID
    let label: Label
  }

  /// Objects that became a long text which others share: it stays one value,
  /// and is written once.
  var shared: [NodeID: NodeID] = [:]

  /// What a member adds to the path: texts are made when they are shown.
  private enum Label {
    case none
    case index(UInt32)
    case key(NodeID)
  }

  init(_ editor: GraphEditor) {
    self.editor = editor
    original = editor.graph
    reader = GraphReader(original)
    hashed = Self.hashed(in: reader)
    parents = Array(repeating: nil, count: original.nodeCount)
  }

  private static func hashed(in reader: GraphReader) -> Set<NodeID> {
    let graph = reader.graph
    var found: Set<NodeID> = []
    var pending: [NodeID] = []
    graph.forEachNodeInOrder { id in
      switch graph.kind(id) {
      case .dict: pending += graph.pairs(id).map(\.key)
      case .set, .frozenSet: pending += graph.children(id)
      case .object:
        pending += graph.pairs(id).map(\.key)
        if let object = graph.object(id) { pending += object.setItems }
        // set([…]): the elements stand in the call's argument.
        let call = reader.call(id)
        if call?.function == .set || call?.function == .frozenSet,
          let elements = call?.arguments.first
        {
          pending += graph.children(elements)
        }
      default: break
      }
    }
    while let id = pending.popLast() {
      guard found.insert(id).inserted else { continue }
      if graph.kind(id) == .tuple { pending += graph.children(id) }
    }
    return found
  }

  /// Rewrites everything.
  ///
  /// - Throws: ``CheckpointError`` with the key path for what can't be
  ///   rewritten.
  mutating func run() throws(CheckpointError) {
    if !editor.graph.discarded.isEmpty {
      changes.append(
        SanitizedValue(
          path: "",
          from: "values that are made and dropped",
          to: "nothing"
        )
      )
      editor.graph.discarded = []
    }
    // Nodes are added on the way.
    var seen = [Bool](repeating: false, count: original.nodeCount)
    var pending = [editor.graph.root]
    while let id = pending.popLast() {
      guard !seen[id.index] else { continue }
      seen[id.index] = true
      if id.index < original.nodeCount { try rewrite(id) }
      let start = pending.count
      let added = editor.graph.nodeCount - seen.count
      if added > 0 {
        seen += repeatElement(false, count: added)
        parents += repeatElement(nil, count: added)
      }
      // Not of `self`: a copy of it would make the closure copy `parents`.
      Self.forEachMember(of: id, in: editor.graph) { member, label in
        guard !seen[member.index] else { return }
        if parents[member.index] == nil {
          parents[member.index] = Step(parent: id, label: label)
        }
        pending.append(member)
      }
      pending.reverse(from: start)
    }
    editor.graph.redirect(shared)
    try breakTupleCycles()
  }

  // MARK: Places

  private static func forEachMember(
    of id: NodeID,
    in graph: PickleGraph,
    _ body: (NodeID, Label) -> Void
  ) {
    switch graph.kind(id) {
    case .dict:
      for (key, value) in graph.pairs(id) {
        body(key, .none)
        body(value, .key(key))
      }
    case .list, .tuple, .set, .frozenSet:
      for (index, child) in graph.children(id).enumerated() {
        body(child, .index(UInt32(truncatingIfNeeded: index)))
      }
    case .object:
      guard let object = graph.object(id) else { return }
      body(object.callable, .none)
      body(object.arguments, .none)
      if let keywords = object.keywordArguments { body(keywords, .none) }
      for (index, child) in object.listItems.enumerated() {
        body(child, .index(UInt32(truncatingIfNeeded: index)))
      }
      for (key, value) in object.dictItems {
        body(key, .none)
        body(value, .key(key))
      }
      for child in object.setItems { body(child, .none) }
      if let state = object.state { body(state, .none) }
    case .persistentID:
      // The parts of a storage's id are the same in every file.
      break
    default: break
    }
  }

  private func text(of label: Label) -> String? {
    switch label {
    case .none: return nil
    case .index(let index): return String(index)
    case .key(let key):
      let graph = editor.graph
      if let text = graph.string(key) {
        return text.utf8.count <= 200 ? text : text.prefix(60) + "…"
      }
      if let number = graph.int(key) { return String(number) }
      return "(\(graph.kind(key)))"
    }
  }

  /// The path to a node, cut at its front where it is very long: there may be
  /// as many paths as there are nodes.
  func path(of id: NodeID) -> String {
    var labels: [String] = []
    var room = 400
    var current = id
    while room > 0, let step = step(to: current) {
      if let label = text(of: step.label) {
        labels.append(label)
        room -= label.utf8.count + 1
      }
      // Steps without a label are counted too, since they may be many.
      room -= 1
      current = step.parent
    }
    var text = step(to: current) == nil ? "" : "…."
    text.reserveCapacity(
      labels.reduce(text.utf8.count + labels.count) { $0 + $1.utf8.count }
    )
    for index in labels.indices.reversed() {
      text += labels[index]
      if index > 0 { text += "." }
    }
    return text
  }

  private func step(to id: NodeID) -> Step? {
    id.index < parents.count ? parents[id.index] : nil
  }

  func refusal(
    _ id: NodeID,
    _ what: String,
    hint: String? = nil
  ) -> CheckpointError {
    CheckpointError(
      .unsupported,
      "\(what) can't be rewritten as a plain value",
      keyPath: path(of: id),
      hint: hint
    )
  }

  // MARK: Changes

  /// Puts a new value in a node's place, and notes the change.
  mutating func replace(
    _ id: NodeID,
    with new: NodeID,
    from: String,
    to: String
  ) throws(CheckpointError) {
    if hashed.contains(id) {
      let isHashable =
        switch editor.graph.kind(new) {
        case .list, .dict, .set, .byteArray: false
        case .object: original.kind(id) == .object && to == "bytes"
        default: true
        }
      guard isHashable else {
        throw refusal(id, "\(from), a dictionary's key,")
      }
    }
    editor.graph.replace(id, with: new)
    note(id, from, to)
  }

  mutating func note(_ id: NodeID, _ from: String, _ to: String) {
    changes.append(SanitizedValue(path: path(of: id), from: from, to: to))
  }

  /// Whether `weights_only=True` lets a class or function through.
  func isLetThrough(_ global: (module: String, name: String)) -> Bool {
    Self.torch.letsThrough("\(global.module).\(global.name)")
  }

  func isHashed(_ id: NodeID) -> Bool { hashed.contains(id) }

  private mutating func rewrite(_ id: NodeID) throws(CheckpointError) {
    switch original.kind(id) {
    case .none, .bool, .int, .float, .list, .tuple, .dict, .set:
      break
    case .byteArray: break
    case .bigInt: try rewriteInteger(id)
    case .string, .bytes: try rewriteText(id)
    case .frozenSet:
      try rewriteFrozenSet(id, Array(original.children(id)))
    case .global: try rewriteGlobal(id)
    case .object: try rewriteObject(id)
    case .persistentID: try rewritePersistentID(id)
    case .extension:
      throw refusal(id, "a code of Python's extension registry")
    case .buffer: throw refusal(id, "a buffer outside the pickle")
    }
  }

  /// Integers of 256 bytes and more need an opcode that is refused.
  private mutating func rewriteInteger(
    _ id: NodeID
  ) throws(CheckpointError) {
    guard let bytes = original.bigIntBytes(id), bytes.count > 255 else {
      return
    }
    let isNegative = (bytes.last ?? 0) >= 0x80
    var magnitude = bytes
    if isNegative {
      var carry = true
      for index in magnitude.indices {
        magnitude[index] = carry ? 0 &- magnitude[index] : ~magnitude[index]
        carry = carry && magnitude[index] == 0
      }
    }
    let digits = hexadecimal(magnitude.reversed()).drop { $0 == "0" }
    try replace(
      id,
      with: editor.graph.addString((isNegative ? "-0x" : "0x") + digits),
      from: "int of \(bytes.count) bytes",
      to: "str"
    )
  }

  private mutating func rewriteText(_ id: NodeID) throws(CheckpointError) {
    if original.kind(id) == .bytes {
      let bytes = original.bytes(id) ?? []
      if bytes.isEmpty {
        try replace(
          id,
          with: editor.emptyBytes(),
          from: "empty bytes",
          to: "bytes"
        )
      } else if original.isPython2String(id) {
        editor.graph.replace(id, with: editor.graph.addBytes(bytes))
      }
    } else if original.isPython2String(id), let text = original.string(id) {
      editor.graph.replace(id, with: editor.text(text))
    }
  }

  mutating func rewriteFrozenSet(
    _ id: NodeID,
    _ elements: [NodeID]
  ) throws(CheckpointError) {
    let isKey = isHashed(id)
    let new =
      isKey ? editor.graph.addTuple(elements) : editor.graph.addSet(elements)
    try replace(id, with: new, from: "frozenset", to: isKey ? "tuple" : "set")
  }

  /// Classes and functions that stand as values.
  private mutating func rewriteGlobal(_ id: NodeID) throws(CheckpointError) {
    guard !original.hasChanges(id) else {
      throw refusal(id, "a class that is changed")
    }
    guard let (module, name) = original.global(id) else {
      throw refusal(id, "a global with a computed name")
    }
    let text = "\(module).\(name)"
    guard !Self.torch.letsThrough(text) else { return }
    let kind = name == "Ellipsis" ? "Ellipsis" : "class or function \(text)"
    try replace(id, with: editor.graph.addString(text), from: kind, to: "str")
  }

  private mutating func rewritePersistentID(
    _ id: NodeID
  ) throws(CheckpointError) {
    guard !original.hasChanges(id) else {
      throw refusal(id, "a persistent id that is changed")
    }
    if reader.isStorage(id) { return }
    // ('module', class, file, source) of old files stands for the class.
    if let pid = original.persistentID(id), original.kind(pid) == .tuple {
      let parts = Array(original.children(pid))
      if parts.count > 1, original.string(parts[0], equals: "module"),
        let (module, name) = original.global(parts[1])
      {
        return try replace(
          id,
          with: editor.graph.addString("\(module).\(name)"),
          from: "class \(module).\(name) with its source",
          to: "str"
        )
      }
    }
    throw refusal(id, "a persistent id that names no storage")
  }
}
