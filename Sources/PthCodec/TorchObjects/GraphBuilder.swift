internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Builds the pickle that `torch.save` would write for tensors made here.
///
/// Nodes are shared where Python would have one object: so the memo, and with
/// it every byte, comes out as PyTorch's.
struct GraphBuilder: GraphPickling {
  var graph: PickleGraph
  var stack: [PickleGraph.NodeID] = []

  /// The storages in the order of their keys.
  private(set) var storages: [Storage] = []

  private var keys: [ObjectIdentifier: PickleGraph.NodeID] = [:]
  private var globals: [String: PickleGraph.NodeID] = [:]
  private var texts: [String: PickleGraph.NodeID] = [:]

  /// - Parameter protocolVersion: The protocol whose names are given.
  init(protocolVersion: Int = 2) {
    graph = PickleGraph(protocolVersion: protocolVersion)
  }

  /// The object that holds named tensors as `state_dict()` does.
  mutating func stateDict(
    _ tensors: OrderedDictionary<String, Tensor>,
    moduleVersions: OrderedDictionary<String, Int>
  ) -> PickleGraph.NodeID {
    putStateDict(tensors, moduleVersions: moduleVersions)
    return taken()
  }

  /// The object of a checkpoint that has no pickle of its own.
  mutating func object(of checkpoint: Checkpoint) -> PickleGraph.NodeID {
    putObject(of: checkpoint)
    return taken()
  }

  /// Gives a state dict the attribute that has its modules' versions.
  mutating func setModuleVersions(
    _ versions: OrderedDictionary<String, Int>,
    of dict: PickleGraph.NodeID
  ) {
    stack.append(dict)
    putModuleVersions(versions)
    _ = taken()
  }

  mutating func setRoot(_ id: PickleGraph.NodeID) {
    graph.root = id
  }

  /// The number that names a storage, as text.
  mutating func key(
    of storage: Storage,
    as type: StorageType,
    location: String
  ) -> PickleGraph.NodeID {
    let identity = ObjectIdentifier(storage)
    if let known = keys[identity] { return known }
    // Python makes a new text of a number, also of one digit.
    let key = graph.addString(String(storages.count))
    keys[identity] = key
    storages.append(storage)
    return key
  }

  /// The node of a class or function.
  mutating func global(
    _ module: String,
    _ name: String
  ) -> PickleGraph.NodeID {
    let key = module + "\0" + name
    if let known = globals[key] { return known }
    let node = graph.addGlobal(module: module, name: name)
    globals[key] = node
    return node
  }

  /// Text that Python's own code has as a constant: one object.
  mutating func constant(_ value: String) -> PickleGraph.NodeID {
    if let known = texts[value] { return known }
    let node = graph.addString(value)
    texts[value] = node
    return node
  }

  /// Text that Python makes anew, unless it is empty or one Latin letter:
  /// of those it keeps one object each.
  mutating func text(_ value: String) -> PickleGraph.NodeID {
    if value.isSharedInPython { return constant(value) }
    return graph.addString(value)
  }
}
