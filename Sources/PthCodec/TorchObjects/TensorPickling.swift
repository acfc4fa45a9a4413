internal import Pickle
internal import Tensors

/// A graph that tensors are written into, as `torch.save` would.
protocol TensorPickling {
  var graph: PickleGraph { get set }

  /// The node of a class or function.
  mutating func global(
    _ module: String,
    _ name: String
  ) -> PickleGraph.NodeID

  /// Text that PyTorch's own code has as a constant: one object.
  mutating func constant(_ value: String) -> PickleGraph.NodeID

  /// `('storage', type, key, location, count)` as a persistent id.
  mutating func storage(
    _ storage: Storage,
    as type: StorageType,
    location: String
  ) -> PickleGraph.NodeID
}

extension TensorPickling {
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

  /// An empty OrderedDict.
  mutating func orderedDict() -> PickleGraph.NodeID {
    graph.addReduce(
      callable: global("collections", "OrderedDict"),
      arguments: graph.addTuple([])
    )
  }

  /// A tuple of integers.
  mutating func tuple(_ numbers: [Int]) -> PickleGraph.NodeID {
    graph.addTuple(numbers.map { graph.addInt($0) })
  }
}
