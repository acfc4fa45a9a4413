internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Changes a checkpoint's graph and storages, so that the result is what
/// `torch.save` would have written of the changed object.
///
/// Globals and one-letter texts are one node each, as they are one object in
/// Python: so the memo comes out as PyTorch's.
struct GraphEditor: GraphPickling {
  typealias NodeID = PickleGraph.NodeID

  var graph: PickleGraph
  var stack: [NodeID] = []
  var storages: OrderedDictionary<String, StorageEntry>

  /// The tensors' names, for messages.
  let names: [NodeID: String]

  private var globals: [String: NodeID] = [:]
  private var letters: [String: NodeID] = [:]
  private var newKeys = 0

  /// The keys of the storages, once a tensor is added.
  private var keys: [ObjectIdentifier: String] = [:]

  init(_ content: PickledContent) {
    graph = content.graph
    storages = content.storages
    names = Dictionary(
      content.tensorNodes.map { ($0.value, $0.key) },
      uniquingKeysWith: { first, _ in first }
    )
    graph.forEachNodeInOrder { id in
      if let (module, name) = graph.global(id) {
        globals[module + "\0" + name] = globals[module + "\0" + name] ?? id
      } else if let letter = letter(id) {
        letters[letter] = letters[letter] ?? id
      }
    }
  }

  /// Text of one Latin letter, of which Python keeps one object.
  private func letter(_ id: NodeID) -> String? {
    guard graph.kind(id) == .string, !graph.isPython2String(id),
      unsafe graph.withUnsafeBytes(of: id, { $0.count <= 2 }) == true,
      let text = graph.string(id), text.isSharedInPython
    else { return nil }
    return text
  }

  /// The node of a class or function.
  mutating func global(_ module: String, _ name: String) -> NodeID {
    // From protocol 3 on, Python 3's names are written.
    let isNew = graph.protocolVersion >= 3
    let module = isNew && module == "__builtin__" ? "builtins" : module
    let key = module + "\0" + name
    if let known = globals[key] { return known }
    let node = graph.addGlobal(module: module, name: name)
    globals[key] = node
    return node
  }

  /// A new text, but for those of which Python has one object.
  mutating func text(_ value: String) -> NodeID {
    guard value.isSharedInPython else { return graph.addString(value) }
    if let known = letters[value] { return known }
    let node = graph.addString(value)
    letters[value] = node
    return node
  }

  /// What `callable(*arguments)` gives.
  mutating func call(
    _ module: String,
    _ name: String,
    _ arguments: [NodeID]
  ) -> NodeID {
    graph.addReduce(
      callable: global(module, name),
      arguments: graph.addTuple(arguments)
    )
  }

  /// Empty bytes as protocol 2 has them: `_codecs.encode('', 'latin1')`.
  mutating func emptyBytes() -> NodeID {
    call("_codecs", "encode", [text(""), graph.addString("latin1")])
  }

  /// The name of a storage: one that is there already, or a new one.
  mutating func key(
    of storage: Storage,
    as type: StorageType,
    location: String
  ) -> NodeID {
    if keys.isEmpty {
      for (key, entry) in storages {
        keys[ObjectIdentifier(entry.storage)] = key
      }
    }
    let identity = ObjectIdentifier(storage)
    let key: String
    if let known = keys[identity], storages[known]?.storage === storage {
      key = known
    } else {
      // A name that no file has; all get their numbers at the end.
      key = "new \(newKeys)"
      newKeys += 1
      keys[identity] = key
      storages[key] = StorageEntry(
        type: type,
        location: location,
        storage: storage
      )
    }
    return graph.addString(key)
  }

  /// Adds the call that makes a tensor, with a storage of its own.
  mutating func addTensor(_ tensor: Tensor) throws -> NodeID {
    self.tensor(try tensor.resolved().contiguous())
  }

  private var constants: [String: NodeID] = [:]

  /// Text that PyTorch's own code has as a constant, as the file has it.
  mutating func constant(_ value: String) -> NodeID {
    if let known = constants[value] { return known }
    if constants.isEmpty {
      for id in graph.nodes {
        guard let pid = graph.persistentID(id), graph.kind(pid) == .tuple else {
          continue
        }
        for part in graph.children(pid) {
          if let text = graph.string(part) { constants[text] = part }
        }
      }
      if let known = constants[value] { return known }
    }
    let node = graph.addString(value)
    constants[value] = node
    return node
  }
}
