internal import Tensors

/// Turns numbers of one byte order into the other.
enum ByteSwap {
  /// Copies bytes and reverses each run of `unit` of them.
  ///
  /// - Parameters:
  ///   - source: Whole units.
  ///   - target: As many bytes; may be the source itself.
  ///   - unit: 1, 2, 4 or 8.
  static func copy(
    _ source: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawBufferPointer,
    unit: Int
  ) {
    switch unit {
    case 2: unsafe copy(source, target, as: UInt16.self)
    case 4: unsafe copy(source, target, as: UInt32.self)
    case 8: unsafe copy(source, target, as: UInt64.self)
    default: unsafe target.copyMemory(from: source)
    }
  }

  private static func copy<Number: FixedWidthInteger & BitwiseCopyable>(
    _ source: UnsafeRawBufferPointer,
    _ target: UnsafeMutableRawBufferPointer,
    as type: Number.Type
  ) {
    guard let from = source.baseAddress, let to = target.baseAddress else {
      return
    }
    let size = MemoryLayout<Number>.size
    for index in 0..<(min(source.count, target.count) / size) {
      let number = unsafe from.loadUnaligned(
        fromByteOffset: index &* size,
        as: Number.self
      )
      unsafe to.storeBytes(
        of: number.byteSwapped,
        toByteOffset: index &* size,
        as: Number.self
      )
    }
  }
}

extension Storage {
  /// This storage where its numbers have the machine's order; else one that
  /// turns them at the first use.
  ///
  /// - Parameters:
  ///   - order: The order of the bytes here.
  ///   - dtype: The numbers' type.
  /// - Returns: A storage of the same size.
  func inHostOrder(from order: ByteOrder, dtype: DType) -> Storage {
    guard order != .host, dtype.swapUnit > 1 else { return self }
    return Storage(byteCount: byteCount) {
      try unsafe self.withUnsafeBytes { source in
        unsafe Storage(byteCount: source.count) { target in
          unsafe ByteSwap.copy(source, to: target, unit: dtype.swapUnit)
        }
      }
    }
  }
}
