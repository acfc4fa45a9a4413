extension Tensor {
  /// This tensor with its elements converted to another dtype.
  ///
  /// Every value comes out as PyTorch's `.to()` gives it on a CPU: floats are
  /// rounded to nearest, ties to even, float64 by way of float32 where the
  /// target is smaller; infinities and NaN stay (float8_e4m3fn has no infinity:
  /// what is too large becomes 448). A complex number loses its imaginary part.
  /// What PyTorch leaves undefined, a float that an integer type can't hold, is
  /// an error.
  ///
  /// - Parameters:
  ///   - target: The new dtype.
  ///   - wrapsIntegers: Whether an integer too large for `target` keeps its
  ///     lowest bits, as PyTorch does it, instead of being an error.
  /// - Returns: A row-major tensor of its own storage; itself where it has
  ///   the dtype already.
  /// - Throws: ``TensorError`` where there is no such conversion or a value
  ///   does not fit, and what reading the storage throws.
  public func converted(
    to target: DType,
    wrapsIntegers: Bool = false
  ) throws -> Tensor {
    try converted(to: target, wrapsIntegers) { source, converter, size in
      try unsafe source.withContiguousBytes { bytes in
        try unsafe Storage(byteCount: size) { output throws in
          try unsafe converter.convertOnAllCores(bytes, to: output)
        }
      }
    }
  }

  /// As ``converted(to:wrapsIntegers:)``, but at the time of reading.
  ///
  /// Where the result is read by ``forEachContiguousPiece(pieceSize:_:)``, as
  /// writers of files do, it is never in memory as a whole. A value that does
  /// not fit is an error then.
  ///
  /// - Parameters:
  ///   - target: The new dtype.
  ///   - wrapsIntegers: Whether integers keep their lowest bits.
  /// - Returns: A row-major tensor; itself where it has the dtype already.
  /// - Throws: ``TensorError`` where there is no such conversion.
  public func convertedWhenRead(
    to target: DType,
    wrapsIntegers: Bool = false
  ) throws -> Tensor {
    try converted(to: target, wrapsIntegers) { source, converter, size in
      unsafe Storage(byteCount: size) { body in
        try unsafe converter.forEachConvertedPiece(of: source, body)
      }
    }
  }

  /// Writes the elements in row-major order as float64.
  ///
  /// - Parameter numbers: Room for as many at least.
  /// - Throws: ``TensorError`` where there is no such conversion, and what
  ///   reading the storage throws.
  package func write(
    to numbers: UnsafeMutableBufferPointer<Double>
  ) throws {
    let converter = try ElementConverter(
      from: dtype,
      to: .float64,
      wrapsIntegers: false
    )
    try unsafe withContiguousBytes { bytes in
      try unsafe converter.convert(
        bytes,
        to: UnsafeMutableRawBufferPointer(numbers),
        first: 0
      )
    }
  }

  /// A tensor of another dtype whose elements `convert` makes.
  private func converted(
    to target: DType,
    _ wrapsIntegers: Bool,
    by convert: (
      _ source: Tensor, ElementConverter, _ byteCount: Int
    ) throws -> Storage
  ) throws -> Tensor {
    guard target != dtype else { return self }
    let converter = try ElementConverter(
      from: dtype,
      to: target,
      wrapsIntegers: wrapsIntegers
    )
    guard let size = target.byteCount(ofElements: elementCount) else {
      throw TensorError.tooLarge(
        bytes: .max,
        storageBytes: storage.byteCount
      )
    }
    let source = try resolved()
    return try source.withStorage(
      storage.isMeta
        ? .meta(byteCount: size) : convert(source, converter, size),
      target
    )
  }

  /// This tensor with its conjugate and negative bits carried out.
  ///
  /// - Returns: A row-major tensor without the bits; itself where it has none.
  /// - Throws: ``TensorError`` for a dtype without a sign bit, and what
  ///   reading the storage throws.
  public func resolved() throws -> Tensor {
    guard isConjugate || isNegative else { return self }
    guard dtype.isComplex || dtype.isFloatingPoint, dtype.swapUnit > 1 else {
      throw TensorError.noConversion(from: dtype, to: dtype)
    }
    let unit = dtype.swapUnit
    let isPair = dtype.isComplex
    let result = try unsafe withContiguousBytes { bytes in
      unsafe Storage(byteCount: bytes.count) { target in
        unsafe target.copyMemory(from: bytes)
        // The sign is the highest bit of a component's last byte.
        for component in 0..<(target.count / unit) {
          let isImaginary = isPair && component % 2 == 1
          if isNegative != (isConjugate && isImaginary) {
            unsafe target[component * unit + Self.signByte(in: unit)] ^= 0x80
          }
        }
      }
    }
    return try withStorage(result, dtype)
  }

  private static func signByte(in unit: Int) -> Int {
    1.littleEndian == 1 ? unit - 1 : 0
  }

  /// A row-major tensor of this one's shape and flags.
  private func withStorage(
    _ storage: Storage,
    _ dtype: DType
  ) throws(LayoutError) -> Tensor {
    try Tensor(
      dtype: dtype,
      layout: Layout(contiguous: shape),
      storage: storage,
      device: device,
      requiresGrad: requiresGrad
        && (dtype.isFloatingPoint || dtype.isComplex)
    )
  }
}
