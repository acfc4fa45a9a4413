// Tensors whose bytes no longer lie in a file.
internal import OrderedCollections

/// Copies storages into memory, all cores at work.
///
/// Two tensors that share a storage share its copy.
public struct MemoryCopies {
  private var copies: [ObjectIdentifier: Storage] = [:]

  /// Copies the storages of tensors and of their quantization.
  ///
  /// - Parameter tensors: The tensors.
  /// - Throws: What reading the storages throws.
  public init(of tensors: some Sequence<Tensor>) throws {
    try self.init(ofStorages: tensors.flatMap(\.storages))
  }

  /// Copies storages; a meta storage stays what it is.
  ///
  /// - Parameter storages: The storages, each once or more.
  /// - Throws: What reading the storages throws.
  public init(ofStorages storages: some Sequence<Storage>) throws {
    var unique: OrderedDictionary<ObjectIdentifier, Storage> = [:]
    for storage in storages where !storage.isMeta {
      unique[ObjectIdentifier(storage)] = storage
    }
    let made = try ParallelCopy.copies(of: Array(unique.values))
    copies.reserveCapacity(made.count)
    for (identity, copy) in zip(unique.keys, made) { copies[identity] = copy }
  }

  /// The copy of a storage; itself where it was not copied.
  public subscript(storage: Storage) -> Storage {
    copies[ObjectIdentifier(storage)] ?? storage
  }

  /// A tensor as a view of its storage's copy.
  ///
  /// - Parameter tensor: The tensor.
  /// - Returns: The same tensor in memory.
  /// - Throws: ``LayoutError``, which a valid tensor's copy never does.
  public func tensor(_ tensor: Tensor) throws(LayoutError) -> Tensor {
    var copy = try Tensor(
      dtype: tensor.dtype,
      layout: tensor.layout,
      storage: self[tensor.storage],
      device: tensor.device,
      requiresGrad: tensor.requiresGrad
    )
    copy.isConjugate = tensor.isConjugate
    copy.isNegative = tensor.isNegative
    copy.quantization = tensor.quantization
    if case .perChannel(let scales, let zeroPoints, let axis, let isFloat) =
      tensor.quantization
    {
      copy.quantization = .perChannel(
        scales: try self.tensor(scales),
        zeroPoints: try self.tensor(zeroPoints),
        axis: axis,
        isFloat: isFloat
      )
    }
    return copy
  }
}

extension Tensor {
  /// The storages of the tensor and of its quantization.
  fileprivate var storages: [Storage] {
    guard case .perChannel(let scales, let zeroPoints, _, _) = quantization
    else { return [storage] }
    return [storage] + scales.storages + zeroPoints.storages
  }
}

extension StateDict {
  /// The same tensors in memory, so that the file is needed no more.
  ///
  /// - Returns: A state dict whose storages are owned memory; tensors that
  ///   shared one still do.
  /// - Throws: What reading the storages throws.
  public func inMemory() throws -> StateDict {
    let copies = try MemoryCopies(of: tensors.values)
    return StateDict(
      try tensors.mapValues { try copies.tensor($0) },
      moduleVersions: moduleVersions
    )
  }
}
