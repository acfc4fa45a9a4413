internal import OrderedCollections
internal import Pickle
internal import Tensors

extension GraphEditor {
  /// Converts the elements of tensors in the graph to another dtype.
  ///
  /// A storage whose tensors are all converted stays one storage, with the
  /// same views; else each converted tensor gets its own.
  ///
  /// - Parameters:
  ///   - target: The new dtype.
  ///   - isChosen: Whether tensors of a dtype are converted.
  /// - Returns: Whether anything changed.
  /// - Throws: ``CheckpointError`` for a tensor that has no such conversion.
  mutating func convert(
    to target: DType,
    where isChosen: (DType) -> Bool
  ) throws -> Bool {
    let found = TensorCalls(graph)
    let chosen = try chosenCalls(found, isChosen)
    var isChanged = convertMetaTensors(to: target, where: isChosen)
    guard !chosen.isEmpty else { return isChanged }
    isChanged = true
    let uniform = uniformStorages(chosen, found)
    var converted: [String: Storage] = [:]
    var done: Set<NodeID> = []
    for (call, tensor, reference) in chosen {
      do {
        guard uniform.contains(reference.key),
          !(tensor.isNegative && !target.isFloatingPoint)
        else {
          try rewriteAlone(call, tensor.convertedWhenRead(to: target))
          continue
        }
        if converted[reference.key] == nil {
          let storage = try Checkpoint.converted(tensor, to: target)
          converted[reference.key] = storage
          storages[reference.key] = StorageEntry(
            type: StorageType(writing: target),
            location: reference.location,
            storage: storage
          )
        }
        if done.insert(call.storage).inserted,
          let storage = converted[reference.key]
        {
          rename(call.storage, reference, storage, target)
        }
        let layout = (call.arguments[1], call.arguments[2], call.arguments[3])
        rewrite(call, as: target, call.storage, layout, keepsMarks: true)
      } catch let error as TensorError {
        throw CheckpointError(
          .unsupported,
          "\(error)",
          keyPath: names[call.object]
        )
      }
    }
    return isChanged
  }

  private typealias Chosen = (
    call: TensorCalls.Call, tensor: Tensor, reference: StorageReference
  )

  private func chosenCalls(
    _ found: TensorCalls,
    _ isChosen: (DType) -> Bool
  ) throws -> [Chosen] {
    let reader = GraphReader(graph)
    let storages = storages
    var decoder = TensorDecoder(
      reader: reader,
      storages: StorageTable { reference, byteCount in
        try storages.storage(reference, byteCount)
      }
    )
    return try found.calls.compactMap { call in
      guard !found.quantizers.contains(call.object),
        case .dense(let tensor) = try decoder.tensor(call.object)?.content,
        isChosen(tensor.dtype)
      else { return nil }
      return (call, tensor, try reader.storageReference(call.storage))
    }
  }

  /// The storages whose every mention is a chosen tensor of one dtype.
  private func uniformStorages(
    _ chosen: [Chosen],
    _ found: TensorCalls
  ) -> Set<String> {
    let reader = GraphReader(graph)
    var dtypes: [String: Set<DType>] = [:]
    var left = found.mentions
    for (call, tensor, reference) in chosen {
      dtypes[reference.key, default: []].insert(tensor.dtype)
      left[call.storage, default: 0] -= 1
    }
    var uniform = Set(
      dtypes.filter {
        $0.value.count == 1 && !$0.value.contains(where: \.isComplex)
      }
      .keys
    )
    for (id, count) in left where count > 0 && reader.isStorage(id) {
      if let reference = try? reader.storageReference(id) {
        uniform.remove(reference.key)
      }
    }
    for (key, entry) in storages where entry.storage.isMeta {
      uniform.remove(key)
    }
    return uniform
  }

  /// Gives a persistent id the type and size of a converted storage.
  private mutating func rename(
    _ id: NodeID,
    _ reference: StorageReference,
    _ storage: Storage,
    _ dtype: DType
  ) {
    guard let pid = graph.persistentID(id) else { return }
    let type = StorageType(writing: dtype)
    var parts = Array(graph.children(pid))
    let count = storage.byteCount / type.countedDType.itemSize
    parts[1] = global(type.global.module, type.global.name)
    parts[4] = graph.addInt(count)
    graph.setChildren(parts, of: pid)
  }

  /// Writes a call for a tensor of another dtype.
  private mutating func rewrite(
    _ call: TensorCalls.Call,
    as dtype: DType,
    _ storage: NodeID,
    _ layout: (offset: NodeID, size: NodeID, stride: NodeID),
    keepsMarks: Bool
  ) {
    let old = call.arguments
    let isTyped =
      if case .typed = StorageType(writing: dtype) { true } else {
        false
      }
    let marks = call.function == .rebuildTensorV3 ? 7 : 6
    let canRequireGrad = dtype.isFloatingPoint || dtype.isComplex
    var arguments = [storage, layout.offset, layout.size, layout.stride]
    if old.count > 5, call.function != .rebuildQTensor {
      arguments.append(canRequireGrad ? old[4] : graph.addBool(false))
      arguments.append(old[5])
    } else if !isTyped {
      arguments += [graph.addBool(false), orderedDict()]
    }
    if !isTyped { arguments.append(global("torch", dtype.rawValue)) }
    if keepsMarks, marks < old.count { arguments.append(old[marks]) }
    let function =
      !isTyped
      ? "_rebuild_tensor_v3"
      : arguments.count == 4 ? "_rebuild_tensor" : "_rebuild_tensor_v2"
    rewrite(call, function: function, arguments: arguments)
  }

  private mutating func rewriteAlone(
    _ call: TensorCalls.Call,
    _ tensor: Tensor
  ) throws {
    let storage = storage(
      tensor.storage,
      as: StorageType(writing: tensor.dtype),
      location: tensor.device
    )
    let offset = graph.addInt(tensor.layout.offset)
    let size = tuple(tensor.shape)
    let stride = tuple(tensor.layout.strides)
    rewrite(
      call,
      as: tensor.dtype,
      storage,
      (offset, size, stride),
      keepsMarks: false
    )
  }

  /// Changes the dtype of tensors that have no data.
  private mutating func convertMetaTensors(
    to target: DType,
    where isChosen: (DType) -> Bool
  ) -> Bool {
    let reader = GraphReader(graph)
    var isChanged = false
    for id in graph.nodes where graph.kind(id) == .object {
      guard let call = reader.call(id) else { continue }
      let place: Int
      switch call.function {
      case .rebuildMeta: place = 0
      case .rebuildWrapperSubclass: place = 1
      default: continue
      }
      var arguments = Array(call.arguments)
      guard place < arguments.count,
        let dtype = try? reader.dtype(arguments[place]), isChosen(dtype),
        let object = graph.object(id)
      else { continue }
      arguments[place] = global("torch", target.rawValue)
      replaceCall(
        id,
        callable: object.callable,
        arguments: graph.addTuple(arguments)
      )
      isChanged = true
    }
    return isChanged
  }
}

extension OrderedDictionary<String, StorageEntry> {
  /// The storage that a reference names.
  ///
  /// - Throws: ``CheckpointError`` where it is missing or of another size.
  func storage(
    _ reference: StorageReference,
    _ byteCount: Int
  ) throws(CheckpointError) -> Storage {
    guard let entry = self[reference.key] else {
      throw CheckpointError(.damaged, "there is no storage \(reference.key)")
    }
    guard entry.storage.byteCount == byteCount else {
      throw CheckpointError(
        .damaged,
        "storage \(reference.key) has \(entry.storage.byteCount) bytes, "
          + "not \(byteCount)"
      )
    }
    return entry.storage
  }
}
