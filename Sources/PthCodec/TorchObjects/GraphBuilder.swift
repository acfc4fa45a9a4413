internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Builds the pickle that `torch.save` would write for tensors made here.
///
/// Nodes are shared where Python would have one object: so the memo, and with
/// it every byte, comes out as PyTorch's.
struct GraphBuilder {
  var graph = PickleGraph()

  /// The storages in the order of their keys.
  private(set) var storages: [Storage] = []

  private var keys: [ObjectIdentifier: PickleGraph.NodeID] = [:]
  private var globals: [String: PickleGraph.NodeID] = [:]
  private var texts: [String: PickleGraph.NodeID] = [:]

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

  /// The call that rebuilds a tensor.
  mutating func tensor(_ tensor: Tensor) throws -> PickleGraph.NodeID {
    guard !tensor.storage.isMeta else { return metaTensor(tensor) }
    var arguments = [
      storage(of: tensor),
      graph.addInt(tensor.layout.offset),
      tuple(tensor.layout.shape),
      tuple(tensor.layout.strides),
    ]
    var function = "_rebuild_tensor_v2"
    if let quantization = tensor.quantization {
      function = "_rebuild_qtensor"
      arguments.append(try parameters(quantization))
    }
    arguments.append(graph.addBool(tensor.requiresGrad))
    arguments.append(orderedDict())
    if case .untyped = StorageType(writing: tensor.dtype) {
      function = "_rebuild_tensor_v3"
      arguments.append(global("torch", tensor.dtype.rawValue))
    }
    if tensor.isConjugate || tensor.isNegative {
      arguments.append(metadata(of: tensor))
    }
    return graph.addReduce(
      callable: global("torch._utils", function),
      arguments: graph.addTuple(arguments)
    )
  }

  private mutating func metadata(of tensor: Tensor) -> PickleGraph.NodeID {
    var pairs: [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)] = []
    if tensor.isConjugate {
      pairs.append((constant("conj"), graph.addBool(true)))
    }
    if tensor.isNegative {
      pairs.append((constant("neg"), graph.addBool(true)))
    }
    let dict = graph.addDict()
    graph.setPairs(pairs, of: dict)
    return dict
  }

  private mutating func metaTensor(_ tensor: Tensor) -> PickleGraph.NodeID {
    graph.addReduce(
      callable: global("torch._utils", "_rebuild_meta_tensor_no_storage"),
      arguments: graph.addTuple([
        global("torch", tensor.dtype.rawValue),
        tuple(tensor.layout.shape),
        tuple(tensor.layout.strides),
        graph.addBool(tensor.requiresGrad),
      ])
    )
  }

  private mutating func parameters(
    _ quantization: Quantization
  ) throws -> PickleGraph.NodeID {
    switch quantization {
    case .perTensor(let scale, let zeroPoint):
      return graph.addTuple([
        global("torch", "per_tensor_affine"),
        graph.addFloat(scale), graph.addInt(zeroPoint),
      ])
    case .perChannel(let scales, let zeroPoints, let axis, let isFloat):
      return graph.addTuple([
        global(
          "torch",
          isFloat
            ? "per_channel_affine_float_qparams" : "per_channel_affine"
        ),
        try tensor(scales), try tensor(zeroPoints), graph.addInt(axis),
      ])
    }
  }

  private mutating func storage(of tensor: Tensor) -> PickleGraph.NodeID {
    storage(
      tensor.storage,
      as: StorageType(writing: tensor.dtype),
      location: tensor.device
    )
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

  private mutating func orderedDict() -> PickleGraph.NodeID {
    graph.addReduce(
      callable: global("collections", "OrderedDict"),
      arguments: graph.addTuple([])
    )
  }

  private mutating func tuple(_ numbers: [Int]) -> PickleGraph.NodeID {
    graph.addTuple(numbers.map { graph.addInt($0) })
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
