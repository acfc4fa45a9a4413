internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Builds the pickle that `torch.save` would write for tensors made here.
///
/// Nodes are shared where Python would have one object: so the memo, and with
/// it every byte, comes out as PyTorch's.
struct GraphBuilder: TensorPickling {
  var graph: PickleGraph

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
  ) throws -> PickleGraph.NodeID {
    let dict = orderedDict()
    var pairs: [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)] = []
    pairs.reserveCapacity(tensors.count)
    for (name, tensor) in tensors {
      do {
        pairs.append((text(name), try self.tensor(tensor)))
      } catch let error as CheckpointError {
        throw error.located(keyPath: name)
      }
    }
    graph.setDictItems(pairs, of: dict)
    if !moduleVersions.isEmpty {
      let metadata = orderedDict()
      graph.setDictItems(
        moduleVersions.map { path, version in
          let entry = graph.addDict()
          graph.setPairs(
            [(constant("version"), graph.addInt(version))],
            of: entry
          )
          return (text(path), entry)
        },
        of: metadata
      )
      let state = graph.addDict()
      graph.setPairs([(constant("_metadata"), metadata)], of: state)
      graph.setState(state, of: dict)
    }
    return dict
  }

  mutating func setRoot(_ id: PickleGraph.NodeID) {
    graph.root = id
  }

  /// `('storage', type, key, location, count)` as a persistent id.
  mutating func storage(
    _ storage: Storage,
    as type: StorageType,
    location: String
  ) -> PickleGraph.NodeID {
    let identity = ObjectIdentifier(storage)
    let key: PickleGraph.NodeID
    if let known = keys[identity] {
      key = known
    } else {
      // Python makes a new text of a number, also of one digit.
      key = graph.addString(String(storages.count))
      keys[identity] = key
      storages.append(storage)
    }
    let (module, name) = type.global
    return graph.addPersistentID(
      graph.addTuple([
        constant("storage"),
        global(module, name),
        key,
        constant(location),
        graph.addInt(storage.byteCount / type.countedDType.itemSize),
      ])
    )
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
  private mutating func text(_ value: String) -> PickleGraph.NodeID {
    let scalars = value.unicodeScalars
    if scalars.count <= 1, scalars.allSatisfy({ $0.value < 0x100 }) {
      return constant(value)
    }
    return graph.addString(value)
  }
}
