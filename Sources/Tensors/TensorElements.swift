/// What can go wrong when elements are read as a Swift type.
public enum TensorError: Error, Sendable, Hashable {
  /// The tensor has another dtype than was asked for.
  case wrongDType(expected: DType, actual: DType)
  /// The tensor has another shape than was asked for.
  case wrongShape(expected: [Int], actual: [Int])
  /// The operation knows no such conversion.
  case noConversion(from: DType, to: DType)
  /// A value does not fit the dtype that it is to be converted to.
  case outOfRange(value: String, index: Int, to: DType)
  /// Packed elements can only be read in one run.
  case packedView(DType)
  /// A view repeats its storage's elements more often than memory may grow.
  case tooLarge(bytes: Int, storageBytes: Int)
}

extension TensorError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .wrongDType(let expected, let actual):
      "the dtype is \(actual), not \(expected)"
    case .wrongShape(let expected, let actual):
      "the shape is \(actual), not \(expected)"
    case .noConversion(let from, let to):
      "there is no conversion from \(from) to \(to)"
    case .outOfRange(let value, let index, let to):
      "element \(index) in row-major order is \(value), which \(to) can't hold"
    case .packedView(let dtype):
      "a view of \(dtype), with gaps, can't be read element by element"
    case .tooLarge(let bytes, let storageBytes):
      "the view repeats \(storageBytes) bytes to \(bytes); "
        + "that is not unfolded"
    }
  }
}

extension Tensor {
  /// The elements as an array in row-major order.
  ///
  /// - Parameter type: The Swift type of this tensor's dtype.
  /// - Returns: A copy of the elements, ``elementCount`` of them.
  /// - Throws: ``TensorError`` for another dtype, and what reading the storage
  ///   throws.
  public func elements<Scalar: TensorScalar>(
    as type: Scalar.Type = Scalar.self
  ) throws -> [Scalar] {
    guard Scalar.dtype == dtype else {
      throw TensorError.wrongDType(expected: Scalar.dtype, actual: dtype)
    }
    return try unsafe withContiguousBytes { bytes in
      unsafe [Scalar](
        unsafeUninitializedCapacity: elementCount
      ) { buffer, count in
        let target = UnsafeMutableRawBufferPointer(buffer)
        unsafe LargeMemory.prepare(target)
        unsafe ParallelCopy.copy(bytes, to: target)
        count = elementCount
      }
    }
  }

  /// Calls `body` with the elements' bytes in row-major order, without gaps.
  ///
  /// Nothing is copied where they lie so already. Byte order is the
  /// machine's; conjugate and negative bits are not applied.
  ///
  /// - Parameter body: Reads the bytes; they must not escape it.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws, and what reading the storage throws.
  public func withContiguousBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    if let range = try contiguousRange() {
      return try unsafe storage.withUnsafeBytes { bytes in
        try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[range]))
      }
    }
    let copy = try gathered()
    return try unsafe copy.withUnsafeBytes(body)
  }

  /// The elements' place in the storage, where they lie without gaps.
  private func contiguousRange() throws -> Range<Int>? {
    guard layout.elementCount > 0 else { return 0..<0 }
    guard layout.isContiguous else { return nil }
    guard !dtype.isPacked else {
      guard layout.offset == 0 else { throw TensorError.packedView(dtype) }
      return 0..<byteCount
    }
    // Neither product overflows: the layout's extent fits the storage.
    let start = layout.offset * dtype.itemSize
    return start..<(start + byteCount)
  }

  /// The part of a mapped file that the elements are, as
  /// ``withContiguousBytes(_:)`` gives them; nil where they are none.
  package var place: (file: MappedFile, range: Range<Int>)? {
    get throws {
      guard let inside = try contiguousRange(), let place = try storage.place()
      else { return nil }
      let start = place.range.lowerBound + inside.lowerBound
      return (place.file, start..<start + inside.count)
    }
  }

  /// A storage of the elements in row-major order, without gaps.
  private func gathered() throws -> Storage {
    try checkUnfolding()
    return try unsafe storage.withUnsafeBytes { source in
      unsafe Storage(byteCount: byteCount) { target in
        var cursor = StridedCursor(layout: layout, itemSize: dtype.itemSize)
        unsafe cursor.read(from: source, into: target)
      }
    }
  }

  /// Throws where a view can't be gathered.
  private func checkUnfolding() throws(TensorError) {
    guard !dtype.isPacked else { throw TensorError.packedView(dtype) }
    // A stride of 0 lets a few bytes in a file claim any amount of memory, and
    // of time.
    let (limit, overflow) = storage.byteCount.multipliedReportingOverflow(
      by: 16
    )
    guard overflow || byteCount <= max(limit, Self.unfoldedLimit) else {
      throw TensorError.tooLarge(
        bytes: byteCount,
        storageBytes: storage.byteCount
      )
    }
  }

  private static let unfoldedLimit = 1 << 30

  /// Calls `body` with the elements' bytes in row-major order, piece by piece.
  ///
  /// Takes no more memory than one piece, whatever the tensor's size.
  ///
  /// - Parameters:
  ///   - pieceSize: The most bytes of a piece that has to be gathered; a
  ///     tensor without gaps in mapped or owned memory is one piece.
  ///   - body: Reads the bytes; they must not escape it.
  /// - Throws: What `body` throws, and what reading the storage throws.
  public func forEachContiguousPiece(
    pieceSize: Int = 1 << 20,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    if layout.isContiguous, layout.offset == 0, storage.byteCount == byteCount {
      return try unsafe storage.forEachPiece(body)
    }
    if let range = try contiguousRange() {
      return try unsafe storage.withUnsafeBytes { bytes in
        try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[range]))
      }
    }
    try checkUnfolding()
    let size = max(1, pieceSize / dtype.itemSize) * dtype.itemSize
    let piece = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(size, byteCount),
      alignment: 64
    )
    defer { unsafe piece.deallocate() }
    try unsafe storage.withUnsafeBytes { source in
      var cursor = StridedCursor(layout: layout, itemSize: dtype.itemSize)
      var left = byteCount
      while left > 0 {
        let part = unsafe UnsafeMutableRawBufferPointer(
          rebasing: piece[..<min(left, piece.count)]
        )
        unsafe cursor.read(from: source, into: part)
        try unsafe body(UnsafeRawBufferPointer(part))
        left -= part.count
      }
    }
  }

  /// This tensor's elements in a storage of their own, in row-major order.
  ///
  /// - Returns: A tensor of the same dtype and shape; itself where it fills
  ///   its storage already.
  /// - Throws: What reading the storage throws.
  public func contiguous() throws -> Tensor {
    if layout.isContiguous, layout.offset == 0,
      storage.byteCount == byteCount
    {
      return self
    }
    let copy =
      if let range = try contiguousRange() {
        try unsafe storage.withUnsafeBytes { bytes in
          unsafe Storage(
            copying: UnsafeRawBufferPointer(rebasing: bytes[range])
          )
        }
      } else {
        try gathered()
      }
    var result = try Tensor(
      dtype: dtype,
      layout: Layout(contiguous: shape),
      storage: copy,
      device: device,
      requiresGrad: requiresGrad
    )
    result.quantization = quantization
    result.isConjugate = isConjugate
    result.isNegative = isNegative
    return result
  }
}
