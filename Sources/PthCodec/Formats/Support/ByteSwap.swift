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

  /// Calls `body` with numbers whose bytes are turned, a piece at a time.
  ///
  /// - Parameters:
  ///   - source: Whole numbers.
  ///   - unit: The bytes of one of them.
  ///   - body: Reads a piece, which it must not keep.
  /// - Throws: What `body` throws.
  static func forEachTurned<Failure: Error>(
    _ source: UnsafeRawBufferPointer,
    unit: Int,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let turned = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(1 << 20, source.count),
      alignment: 64
    )
    defer { unsafe turned.deallocate() }
    var start = 0
    while start < source.count {
      let count = min(turned.count, source.count - start)
      let part = unsafe UnsafeMutableRawBufferPointer(
        rebasing: turned[..<count]
      )
      unsafe copy(
        UnsafeRawBufferPointer(rebasing: source[start..<start + count]),
        to: part,
        unit: unit
      )
      try unsafe body(UnsafeRawBufferPointer(part))
      start += count
    }
  }
}

extension Storage {
  /// This storage where its numbers have the machine's order; else one that
  /// turns them whenever they are read, a piece at a time.
  ///
  /// - Parameters:
  ///   - order: The order of the bytes here.
  ///   - dtype: The numbers' type.
  /// - Returns: A storage of the same size.
  func inHostOrder(from order: ByteOrder, dtype: DType) -> Storage {
    let unit = dtype.swapUnit
    guard order != .host, unit > 1 else { return self }
    return unsafe Storage(byteCount: byteCount) { body in
      try unsafe self.forEachPiece {
        try unsafe ByteSwap.forEachTurned($0, unit: unit, body)
      }
    }
  }
}
