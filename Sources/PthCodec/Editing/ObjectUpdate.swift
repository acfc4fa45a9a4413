internal import OrderedCollections
internal import Pickle
internal import Tensors

extension Checkpoint {
  /// Whether tensors were changed here that the pickle does not know yet.
  var needsUpdate: Bool { isStale && pickled != nil }

  /// The checkpoint with its object changed as its tensors were.
  ///
  /// A tensor that was replaced is replaced in the object; one that was removed
  /// goes with its key; a new one becomes an entry of the innermost dict that
  /// its name leads into.
  ///
  /// - Throws: ``CheckpointError`` for a change that the object can't take.
  func updated() throws -> Checkpoint {
    guard let shown, let content = pickled else { return self }
    guard values == shown.values, moduleVersions == shown.moduleVersions else {
      throw CheckpointError(
        .unsupported,
        "the values and versions of a PyTorch object can't be changed one by "
          + "one",
        file: path,
        hint: "drop or take parts of the checkpoint, or make a new one of a "
          + "StateDict or a PythonValue"
      )
    }
    let removed = shown.tensors.keys.filter { tensors[$0] == nil }
    let replaced = tensors.filter { name, tensor in
      shown.tensors[name].map { !$0.isSame(as: tensor) } ?? false
    }
    let added = tensors.filter { shown.tensors[$0.key] == nil }
    // Setting the pickle again marks it as up to date.
    var result = self
    result.tensors = shown.tensors
    result.pickled = content
    if !removed.isEmpty {
      let names = Set(removed)
      result = try result.edited {
        try $0.keep(ObjectPlaces(content)) { !names.contains($0) }
      }
    }
    if !replaced.isEmpty, let nodes = result.pickled?.tensorNodes {
      result = try result.edited { editor in
        try editor.replace(replaced, at: nodes)
        return true
      }
    }
    if !added.isEmpty, let content = result.pickled {
      result = try result.edited { editor in
        try editor.add(added, at: ObjectPlaces(content))
        return true
      }
    }
    guard Set(result.tensors.keys) == Set(tensors.keys) else {
      throw CheckpointError(
        .unsupported,
        "the object can't have tensors of these names",
        file: path,
        hint: "make a new checkpoint of a StateDict or a PythonValue"
      )
    }
    return result
  }
}

extension Tensor {
  /// Whether this is the same view of the same storage.
  fileprivate func isSame(as other: Tensor) -> Bool {
    storage === other.storage && dtype == other.dtype && layout == other.layout
      && requiresGrad == other.requiresGrad && device == other.device
      && isConjugate == other.isConjugate && isNegative == other.isNegative
      && quantization.isSame(as: other.quantization)
  }
}

extension Quantization? {
  fileprivate func isSame(as other: Quantization?) -> Bool {
    switch (self, other) {
    case (nil, nil): true
    case (.perTensor(let scale, let zero), .perTensor(let scale2, let zero2)):
      scale == scale2 && zero == zero2
    case (
      .perChannel(let scales, let zeros, let axis, let isFloat),
      .perChannel(let scales2, let zeros2, let axis2, let isFloat2)
    ):
      scales.isSame(as: scales2) && zeros.isSame(as: zeros2) && axis == axis2
        && isFloat == isFloat2
    default: false
    }
  }
}

extension GraphEditor {
  /// Gives tensors in the object other elements.
  ///
  /// - Parameters:
  ///   - tensors: The new tensors by name.
  ///   - nodes: The nodes of all named tensors.
  /// - Throws: ``CheckpointError`` for a part of a sparse tensor, and where
  ///   only one name of an object is changed that has several.
  fileprivate mutating func replace(
    _ tensors: OrderedDictionary<String, Tensor>,
    at nodes: OrderedDictionary<String, NodeID>
  ) throws {
    let before = GraphReader(graph)
    var names: [NodeID: [String]] = [:]
    for (name, node) in nodes { names[node, default: []].append(name) }
    var done: Set<NodeID> = []
    for (name, tensor) in tensors {
      guard let node = nodes[name], done.insert(node).inserted else { continue }
      for other in names[node] ?? [] {
        guard let second = tensors[other], tensor.isSame(as: second) else {
          throw CheckpointError(
            .unsupported,
            "this and \(other == name ? "others" : other) are one object, so "
              + "both must become the same tensor",
            keyPath: name
          )
        }
      }
      do {
        try replace(before.call(node), of: node, with: tensor)
      } catch let error as CheckpointError {
        throw error.located(keyPath: name)
      }
    }
  }

  private mutating func replace(
    _ call: (function: TorchFunction, arguments: PickleGraph.Children)?,
    of node: NodeID,
    with tensor: Tensor
  ) throws {
    guard let call, let object = graph.object(node) else { return }
    var arguments = Array(call.arguments)
    switch call.function {
    case .rebuildParameter, .rebuildParameterWithState:
      // (data, requires_grad, hooks[, state])
      guard arguments.count > 1 else { return }
      var data = tensor
      data.requiresGrad = false
      arguments[0] = self.tensor(data)
      arguments[1] = graph.addBool(tensor.requiresGrad)
    case .rebuildFromType, .rebuildFromTypeV2:
      // (function, class, arguments[, state])
      guard arguments.count > 2 else { return }
      let made = self.tensor(tensor)
      guard let parts = graph.object(made) else { return }
      arguments[0] = parts.callable
      arguments[2] = parts.arguments
    case .rebuildSparse, .rebuildSparseCSR, .rebuildNested,
      .rebuildWrapperSubclass:
      throw CheckpointError(
        .unsupported,
        "a part of a sparse or wrapped tensor can't be replaced"
      )
    default:
      graph.replace(node, with: self.tensor(tensor))
      return
    }
    replaceCall(
      node,
      callable: object.callable,
      arguments: graph.addTuple(arguments)
    )
  }

  /// Adds tensors as entries of dicts.
  ///
  /// - Throws: ``CheckpointError`` where a name leads into no dict.
  fileprivate mutating func add(
    _ tensors: OrderedDictionary<String, Tensor>,
    at places: ObjectPlaces
  ) throws {
    let before = GraphReader(graph)
    var dicts: Set<NodeID> = []
    for (name, tensor) in tensors {
      let (container, key) = innermost(name, places)
      // Asking once is enough: adding keeps a dict one.
      guard dicts.contains(container) || before.mappingPairs(container) != nil
      else {
        throw CheckpointError(
          .unsupported,
          "there is no dict that the tensor could be added to",
          keyPath: name,
          hint: "make a new checkpoint of a StateDict or a PythonValue"
        )
      }
      dicts.insert(container)
      let node = self.tensor(tensor)
      graph.append(key: text(key), value: node, to: container)
    }
  }

  /// The innermost dict that a name leads into, and the rest of the name.
  private func innermost(
    _ name: String,
    _ places: ObjectPlaces
  ) -> (container: NodeID, key: String) {
    var end = name.endIndex
    while let dot = name[..<end].lastIndex(of: ".") {
      if let index = places.place(at: String(name[..<dot])) {
        return (
          places.places[index].node, String(name[name.index(after: dot)...])
        )
      }
      end = dot
    }
    return (graph.root, name)
  }
}
