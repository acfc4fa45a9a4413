public import Tensors

internal import OrderedCollections

/// Changes to all tensors of a checkpoint on its way to another file.
///
/// The result is tensors, plain values and module versions; PyTorch's own
/// object around them is gone, so that a PyTorch file of it is a plain
/// `state_dict`.
extension Checkpoint {
  /// The checkpoint with chosen tensors under new names.
  ///
  /// A module's version goes with its tensors.
  ///
  /// - Parameter map: What is taken, and the new names.
  /// - Returns: The changed checkpoint; itself where the map changes nothing.
  /// - Throws: `NameMapError` where two tensors would have one name, or the
  ///   map's table has a name that is not there.
  public func renamed(by map: NameMap) throws(NameMapError) -> Checkpoint {
    guard !map.isIdentity else { return self }
    let names = OrderedDictionary(
      uniqueKeysWithValues: tensors.keys.map { ($0, $0) }
    )
    let oldNames = try map.apply(to: names)
    var result = self
    result.pickled = nil
    result.tensors = [:]
    result.moduleVersions = [:]
    if let version = moduleVersions[""] { result.moduleVersions[""] = version }
    for (new, old) in oldNames {
      result.tensors[new] = tensors[old]
      if let version = moduleVersions[Self.module(of: old)] {
        result.moduleVersions[Self.module(of: new)] = version
      }
    }
    if oldNames.allSatisfy({ $0.key == $0.value }) {
      // Nothing moved: modules without tensors keep their versions too.
      result.moduleVersions = moduleVersions
    }
    return result
  }

  private static func module(of name: String) -> String {
    name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
  }

  /// The checkpoint with its tensors converted to another dtype.
  ///
  /// To a floating-point dtype only floating-point tensors are converted, as
  /// PyTorch's `module.half()` does it: counters and labels stay integers.
  /// Tensors that share memory share it afterwards, with the same strides.
  /// Elements are converted when they are read.
  ///
  /// - Parameter target: The new dtype.
  /// - Returns: The changed checkpoint; itself where nothing has to change.
  /// - Throws: ``CheckpointError`` for a tensor that has no such conversion.
  public func converted(to target: DType) throws -> Checkpoint {
    let chosen = tensors.filter { _, tensor in
      tensor.dtype != target
        && (!target.isFloatingPoint || tensor.dtype.isFloatingPoint)
        && (!target.isComplex || tensor.dtype.isComplex)
    }
    guard !chosen.isEmpty else { return self }
    let views = Dictionary(grouping: tensors.values) {
      ObjectIdentifier($0.storage)
    }
    var storages: [ObjectIdentifier: Storage] = [:]
    var result = self
    result.pickled = nil
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
  private static func converted(
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
