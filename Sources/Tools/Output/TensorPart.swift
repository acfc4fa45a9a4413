internal import Tensors

extension Tensor {
  /// The part at an index of the first dimension.
  ///
  /// - Returns: nil for an index outside, and for a scalar.
  func part(at index: Int) throws -> Tensor? {
    guard let size = shape.first, index >= 0, index < size else { return nil }
    // The strides of a tensor without elements may be anything.
    let (step, overflow) = index.multipliedReportingOverflow(
      by: layout.strides[0]
    )
    let (offset, tooFar) = layout.offset.addingReportingOverflow(step)
    guard !overflow, !tooFar else { return nil }
    var part = try Tensor(
      dtype: dtype,
      layout: Layout(
        shape: Array(shape.dropFirst()),
        strides: Array(layout.strides.dropFirst()),
        offset: offset
      ),
      storage: storage,
      device: device
    )
    part.isConjugate = isConjugate
    part.isNegative = isNegative
    part.quantization = try quantization?.part(at: index)
    return part
  }
}

extension Quantization {
  /// The quantization of a tensor's part at an index of its first dimension.
  fileprivate func part(at index: Int) throws -> Quantization {
    guard
      case .perChannel(let scales, let zeroPoints, let axis, let isFloat) =
        self
    else { return self }
    guard axis == 0 else {
      return .perChannel(
        scales: scales,
        zeroPoints: zeroPoints,
        axis: axis &- 1,
        isFloat: isFloat
      )
    }
    guard let scale = try scales.part(at: index),
      let zero = try zeroPoints.part(at: index)
    else { return self }
    // One scale for all, whatever the dimension.
    return .perChannel(
      scales: scale,
      zeroPoints: zero,
      axis: 0,
      isFloat: isFloat
    )
  }
}
