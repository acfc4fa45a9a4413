public import Tensors

internal import OrderedCollections

/// Changes to all tensors of a checkpoint on its way to another file.
///
/// Of a PyTorch file the object itself is changed, so that everything else in
/// it stays; storages are copied raw when it is written.
extension Checkpoint {
  /// The checkpoint with its tensors converted to another dtype.
  ///
  /// To a floating-point dtype only floating-point tensors are converted, as
  /// PyTorch's `module.half()` does it: counters and labels stay integers.
  /// Tensors that share memory share it afterwards, with the same strides,
  /// unless one of them is not converted.
  /// Elements are converted when they are read.
  ///
  /// - Parameter target: The new dtype.
  /// - Returns: The changed checkpoint; itself where nothing has to change.
  /// - Throws: ``CheckpointError`` for a tensor that has no such conversion.
  public func converted(to target: DType) throws -> Checkpoint {
    func isChosen(_ dtype: DType) -> Bool {
      dtype != target
        && (!target.isFloatingPoint || dtype.isFloatingPoint)
        && (!target.isComplex || dtype.isComplex)
    }
    try checkRepeats()
    if pickled != nil {
      return try edited { try $0.convert(to: target, where: isChosen) }
    }
    let chosen = tensors.filter { isChosen($0.value.dtype) }
    guard !chosen.isEmpty else { return self }
    let views = Dictionary(grouping: tensors.values) {
      ObjectIdentifier($0.storage)
    }
    var storages: [ObjectIdentifier: Storage] = [:]
    var result = self
    for (name, tensor) in chosen {
      do {
        let identity = ObjectIdentifier(tensor.storage)
        let isUniform =
          views[identity]?.allSatisfy { $0.dtype == tensor.dtype } ?? false
        guard isUniform, !tensor.storage.isMeta, !tensor.dtype.isComplex
        else {
          result.tensors[name] = try tensor.convertedWhenRead(to: target)
          continue
        }
        let storage =
          try storages[identity] ?? Self.converted(tensor, to: target)
        storages[identity] = storage
        result.tensors[name] = try Tensor(
          dtype: target,
          layout: tensor.layout,
          storage: storage,
          device: tensor.device,
          requiresGrad: tensor.requiresGrad && target.isFloatingPoint
        )
        result.tensors[name]?.isNegative = tensor.isNegative
      } catch let error as TensorError {
        throw CheckpointError(.unsupported, "\(error)", keyPath: name)
      }
    }
    return result
  }

  /// All elements of a tensor's storage as another dtype.
  static func converted(
    _ tensor: Tensor,
    to target: DType
  ) throws -> Storage {
    let count = tensor.storage.byteCount / tensor.dtype.itemSize
    return try Tensor(
      dtype: tensor.dtype,
      layout: Layout(contiguous: [count]),
      storage: tensor.storage
    )
    .convertedWhenRead(to: target).storage
  }
}
