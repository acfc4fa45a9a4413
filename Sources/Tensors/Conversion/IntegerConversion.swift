// The loops for integers and bool, one for each pair of types.
extension ConversionBlock {
  /// Converts between integers; bool counts as 0 and 1.
  func convertIntegers(_ from: DType, _ to: DType) throws(TensorError) {
    switch from {
    case .bool, .uint8: try unsafe integers(UInt8.self, from, to)
    case .int8: try unsafe integers(Int8.self, from, to)
    case .int16: try unsafe integers(Int16.self, from, to)
    case .int32: try unsafe integers(Int32.self, from, to)
    case .int64: try unsafe integers(Int64.self, from, to)
    case .uint16: try unsafe integers(UInt16.self, from, to)
    case .uint32: try unsafe integers(UInt32.self, from, to)
    default: try unsafe integers(UInt64.self, from, to)
    }
  }

  private func integers<From: FixedWidthInteger & BitwiseCopyable>(
    _ type: From.Type,
    _ from: DType,
    _ to: DType
  ) throws(TensorError) {
    if from == .bool || to == .bool {
      return unsafe truths(From.self, to.itemSize)
    }
    switch to {
    case .uint8: try unsafe loop(From.self, UInt8.self, to)
    case .int8: try unsafe loop(From.self, Int8.self, to)
    case .int16: try unsafe loop(From.self, Int16.self, to)
    case .int32: try unsafe loop(From.self, Int32.self, to)
    case .int64: try unsafe loop(From.self, Int64.self, to)
    case .uint16: try unsafe loop(From.self, UInt16.self, to)
    case .uint32: try unsafe loop(From.self, UInt32.self, to)
    default: try unsafe loop(From.self, UInt64.self, to)
    }
  }

  private func loop<
    From: FixedWidthInteger & BitwiseCopyable,
    To: FixedWidthInteger & BitwiseCopyable
  >(_ from: From.Type, _ to: To.Type, _ dtype: DType) throws(TensorError) {
    // Whether all fit is found out without a branch for each element.
    var misfits = 0
    for index in unsafe 0..<count {
      let value = unsafe load(From.self, index)
      let result = To(truncatingIfNeeded: value)
      misfits |= From(truncatingIfNeeded: result) == value ? 0 : 1
      misfits |= (result < 0) == (value < 0) ? 0 : 1
      unsafe store(result, index)
    }
    guard misfits != 0, unsafe !wrapsIntegers else { return }
    for index in unsafe 0..<count {
      let value = unsafe load(From.self, index)
      if To(exactly: value) == nil {
        throw .outOfRange(
          value: "\(value)",
          index: unsafe first + index,
          to: dtype
        )
      }
    }
  }

  /// 1 for every number that is not 0, in integers of `size` bytes.
  private func truths<From: FixedWidthInteger & BitwiseCopyable>(
    _ from: From.Type,
    _ size: Int
  ) {
    for index in unsafe 0..<count {
      let truth = unsafe load(From.self, index) == 0 ? 0 : 1
      switch size {
      case 1: unsafe store(UInt8(truncatingIfNeeded: truth), index)
      case 2: unsafe store(UInt16(truncatingIfNeeded: truth), index)
      case 4: unsafe store(UInt32(truncatingIfNeeded: truth), index)
      default: unsafe store(UInt64(truncatingIfNeeded: truth), index)
      }
    }
  }

  /// Converts integers to float32 or float64, rounding once.
  func convertIntegers<Target: BinaryFloatingPoint & BitwiseCopyable>(
    _ from: DType,
    toFloat type: Target.Type,
    _ output: UnsafeMutableRawPointer
  ) {
    switch from {
    case .bool: unsafe truthsAsFloats(Target.self, output)
    case .uint8: unsafe floats(UInt8.self, Target.self, output)
    case .int8: unsafe floats(Int8.self, Target.self, output)
    case .int16: unsafe floats(Int16.self, Target.self, output)
    case .int32: unsafe floats(Int32.self, Target.self, output)
    case .int64: unsafe floats(Int64.self, Target.self, output)
    case .uint16: unsafe floats(UInt16.self, Target.self, output)
    case .uint32: unsafe floats(UInt32.self, Target.self, output)
    default: unsafe floats(UInt64.self, Target.self, output)
    }
  }

  private func truthsAsFloats<Target: BinaryFloatingPoint & BitwiseCopyable>(
    _ type: Target.Type,
    _ output: UnsafeMutableRawPointer
  ) {
    for index in unsafe 0..<count {
      let value: Target = unsafe load(UInt8.self, index) == 0 ? 0 : 1
      unsafe output.storeBytes(
        of: value,
        toByteOffset: index &* MemoryLayout<Target>.size,
        as: Target.self
      )
    }
  }

  private func floats<
    From: FixedWidthInteger & BitwiseCopyable,
    Target: BinaryFloatingPoint & BitwiseCopyable
  >(
    _ from: From.Type,
    _ to: Target.Type,
    _ output: UnsafeMutableRawPointer
  ) {
    for index in unsafe 0..<count {
      unsafe output.storeBytes(
        of: Target(load(From.self, index)),
        toByteOffset: index &* MemoryLayout<Target>.size,
        as: Target.self
      )
    }
  }

  /// Converts float64 to integers, towards zero, or to bool.
  func convertDoubles(
    _ doubles: UnsafeRawPointer,
    _ to: DType
  ) throws(TensorError) {
    var block = unsafe self
    unsafe block.source = unsafe doubles
    switch to {
    case .bool:
      for index in unsafe 0..<count {
        let value = unsafe block.load(Double.self, index)
        unsafe store(UInt8(value == 0 ? 0 : 1), index)
      }
    case .uint8: try unsafe block.truncate(UInt8.self, to)
    case .int8: try unsafe block.truncate(Int8.self, to)
    case .int16: try unsafe block.truncate(Int16.self, to)
    case .int32: try unsafe block.truncate(Int32.self, to)
    case .int64: try unsafe block.truncate(Int64.self, to)
    case .uint16: try unsafe block.truncate(UInt16.self, to)
    case .uint32: try unsafe block.truncate(UInt32.self, to)
    default: try unsafe block.truncate(UInt64.self, to)
    }
  }

  private func truncate<To: FixedWidthInteger & BitwiseCopyable>(
    _ to: To.Type,
    _ dtype: DType
  ) throws(TensorError) {
    // Exclusive bounds of what truncates into the range; all are exact.
    let above = Double(sign: .plus, exponent: To.bitWidth, significand: 1)
    let top = To.isSigned ? above / 2 : above
    let bottom: Double =
      switch (To.isSigned, To.bitWidth) {
      case (false, _): -1
      case (true, 64): (-top).nextDown
      case (true, _): -top - 1
      }
    // Whether all fit is found out without a branch for each element.
    var misfits = 0
    for index in unsafe 0..<count {
      let value = unsafe load(Double.self, index)
      misfits |= value > bottom ? 0 : 1
      misfits |= value < top ? 0 : 1
    }
    guard misfits == 0 else { throw unsafe misfit(bottom, top, dtype) }
    for index in unsafe 0..<count {
      let value = unsafe load(Double.self, index)
      if !To.isSigned && To.bitWidth == 64 {
        unsafe store(To(truncatingIfNeeded: UInt64(value)), index)
      } else {
        unsafe store(To(truncatingIfNeeded: Int64(value)), index)
      }
    }
  }

  /// The error for the first float outside of two exclusive bounds, or NaN.
  private func misfit(
    _ bottom: Double,
    _ top: Double,
    _ dtype: DType
  ) -> TensorError {
    var index = 0
    var value = unsafe load(Double.self, 0)
    while value > bottom, value < top, unsafe index + 1 < count {
      index += 1
      value = unsafe load(Double.self, index)
    }
    return unsafe .outOfRange(
      value: "\(value)",
      index: first + index,
      to: dtype
    )
  }

  @inline(__always)
  private func load<Number: BitwiseCopyable>(
    _ type: Number.Type,
    _ index: Int
  ) -> Number {
    unsafe source.loadUnaligned(
      fromByteOffset: index &* MemoryLayout<Number>.size,
      as: Number.self
    )
  }

  @inline(__always)
  private func store<Number: BitwiseCopyable>(_ value: Number, _ index: Int) {
    unsafe target.storeBytes(
      of: value,
      toByteOffset: index &* MemoryLayout<Number>.size,
      as: Number.self
    )
  }
}
