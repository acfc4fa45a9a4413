internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Changes a checkpoint's graph and storages, so that the result is what
/// `torch.save` would have written of the changed object.
///
/// Globals and one-letter texts are one node each, as they are one object in
/// Python: so the memo comes out as PyTorch's.
struct GraphEditor {
  typealias NodeID = PickleGraph.NodeID

  var graph: PickleGraph
  var storages: OrderedDictionary<String, StorageEntry>

  /// The tensors' names, for messages.
  let names: [NodeID: String]

  private var globals: [String: NodeID] = [:]
  private var letters: [String: NodeID] = [:]
  private var newKeys = 0

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
      let text = graph.string(id), Self.isLetter(text)
    else { return nil }
    return text
  }

  private static func isLetter(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    return scalars.count <= 1 && scalars.allSatisfy { $0.value < 0x100 }
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
    guard Self.isLetter(value) else { return graph.addString(value) }
    if let known = letters[value] { return known }
    let node = graph.addString(value)
    letters[value] = node
    return node
  }

  /// A tuple of integers.
  mutating func tuple(_ numbers: [Int]) -> NodeID {
    graph.addTuple(numbers.map { graph.addInt($0) })
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

  /// Adds a storage and the persistent id that names it.
  mutating func addStorage(
    _ storage: Storage,
    of dtype: DType,
    location: String
  ) -> NodeID {
    // A name that no file has; all get their numbers at the end.
    let key = "new \(newKeys)"
    newKeys += 1
    let type = StorageType(writing: dtype)
    storages[key] = StorageEntry(
      type: type,
      location: location,
      storage: storage
    )
    return graph.addPersistentID(
      graph.addTuple([
        constant("storage"),
        global(type.global.module, type.global.name),
        graph.addString(key),
        constant(location),
        graph.addInt(storage.byteCount / type.countedDType.itemSize),
      ])
    )
  }

  /// Adds the call that makes a tensor, with a storage of its own.
  mutating func addTensor(_ tensor: Tensor) throws -> NodeID {
    let tensor = try tensor.resolved().contiguous()
    return addTensor(
      tensor,
      storage: addStorage(
        tensor.storage,
        of: tensor.dtype,
        location: tensor.device
      )
    )
  }

  private mutating func addTensor(
    _ tensor: Tensor,
    storage: NodeID
  ) -> NodeID {
    var arguments = [
      storage, graph.addInt(tensor.layout.offset),
      tuple(tensor.shape), tuple(tensor.layout.strides),
      graph.addBool(tensor.requiresGrad), orderedDict(),
    ]
    guard case .untyped = StorageType(writing: tensor.dtype) else {
      return call("torch._utils", "_rebuild_tensor_v2", arguments)
    }
    arguments.append(global("torch", tensor.dtype.rawValue))
    return call("torch._utils", "_rebuild_tensor_v3", arguments)
  }

  /// An empty OrderedDict.
  mutating func orderedDict() -> NodeID {
    call("collections", "OrderedDict", [])
  }

  private var constants: [String: NodeID] = [:]

  /// Text that PyTorch's own code has as a constant, as the file has it.
  private mutating func constant(_ value: String) -> NodeID {
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
