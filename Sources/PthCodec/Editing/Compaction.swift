internal import OrderedCollections
internal import Tensors

extension Checkpoint {
  /// The checkpoint with its storages cut to what its tensors view.
  ///
  /// PyTorch saves the whole storage of a slice. A storage that several
  /// tensors view is cut to the range of them all, so they share it as before;
  /// one that stands in the object by itself stays whole. No bytes are copied
  /// before the checkpoint is written.
  ///
  /// - Returns: The changed checkpoint; itself where nothing can be cut.
  /// - Throws: ``CheckpointError`` for a tensor that can't be read.
  public func compacted() throws -> Checkpoint {
    guard pickled == nil else { return try edited { try $0.compact() } }
    var views: OrderedDictionary<ObjectIdentifier, [String]> = [:]
    for (name, tensor) in tensors {
      views[ObjectIdentifier(tensor.storage), default: []].append(name)
    }
    var result = self
    for names in views.values {
      let group = names.compactMap { tensors[$0] }
      guard let storage = group.first?.storage, !storage.isMeta,
        group.allSatisfy({ !$0.dtype.isPacked }),
        let range = StorageCut.range(
          of: group.map { ($0.layout, $0.dtype) },
          in: storage,
          units: []
        )
      else { continue }
      let part = storage.part(range)
      for (name, tensor) in zip(names, group) {
        result.tensors[name] = try tensor.moved(
          to: part,
          by: range.lowerBound / tensor.dtype.itemSize
        )
      }
    }
    return result
  }
}

extension Tensor {
  /// This view in a storage that begins some elements later.
  fileprivate func moved(
    to storage: Storage,
    by elements: Int
  ) throws -> Tensor {
    var result = try Tensor(
      dtype: dtype,
      layout: Layout(
        shape: shape,
        strides: layout.strides,
        offset: elementCount == 0 ? 0 : layout.offset - elements
      ),
      storage: storage,
      device: device,
      requiresGrad: requiresGrad
    )
    result.quantization = quantization
    result.isConjugate = isConjugate
    result.isNegative = isNegative
    return result
  }
}
