extension Tensor {
  /// This tensor with its elements converted to another dtype.
  ///
  /// - Parameter target: The new dtype.
  /// - Returns: A row-major tensor of its own storage; itself where it has
  ///   the dtype already.
  /// - Throws: ``TensorError`` where there is no such conversion, and what
  ///   reading the storage throws.
  public func converted(to target: DType) throws -> Tensor {
    guard target != dtype else { return self }
    throw TensorError.noConversion(from: dtype, to: target)
  }
}
