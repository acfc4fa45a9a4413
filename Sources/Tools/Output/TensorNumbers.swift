internal import Foundation
internal import Tensors

/// A tensor's elements as real numbers, in row-major order, block by block.
///
/// Quantized integers are the numbers that they stand for, complex numbers
/// their magnitudes, truth values 0 and 1.
struct TensorNumbers: Sendable {
  /// How many numbers there are.
  let count: Int

  /// What the numbers are, where they are not the elements themselves.
  let meaning: String?

  private let source: Tensor
  private let shape: [Int]
  private let form: Form

  private enum Form {
    case real
    case complex
    case quantized(Quantization)
    /// Several integers a byte, the first in the lowest bits.
    case packed(bits: Int, Quantization)
  }

  /// The elements that are turned into numbers at once, in a core's own cache.
  static let blockSize = 1 << 13

  /// Makes the view; nil for a tensor without data, and for dtypes that are
  /// bits without a value.
  ///
  /// - Throws: What making a view in row-major order throws.
  init?(_ tensor: Tensor) throws {
    guard !tensor.storage.isMeta else { return nil }
    count = tensor.elementCount
    shape = tensor.shape
    let dtype: DType
    if let quantization = tensor.quantization {
      switch tensor.dtype {
      case .qint8: dtype = .int8
      case .quint8, .quint4x2, .quint2x4: dtype = .uint8
      case .qint32: dtype = .int32
      default: return nil
      }
      form =
        tensor.dtype.isPacked
        ? .packed(bits: tensor.dtype.bitsPerElement, quantization)
        : .quantized(quantization)
      meaning = "(integer - zero point) × scale"
    } else if let component = tensor.dtype.component {
      dtype = component
      form = .complex
      meaning = "magnitudes"
    } else {
      guard
        tensor.dtype.isFloatingPoint || tensor.dtype.isInteger
          || tensor.dtype == .bool
      else { return nil }
      dtype = tensor.dtype
      form = .real
      meaning = nil
    }
    let whole = try Self.rowMajor(tensor)
    // The same bytes under the dtype of the parts that numbers are made of.
    let parts: Layout
    switch form {
    case .real, .quantized: parts = whole.layout
    case .complex:
      parts = try Layout(
        contiguous: [2 * whole.elementCount],
        offset: 2 * whole.layout.offset
      )
    case .packed: parts = try Layout(contiguous: [whole.byteCount])
    }
    source = try Tensor(dtype: dtype, layout: parts, storage: whole.storage)
  }

  private static func rowMajor(_ tensor: Tensor) throws -> Tensor {
    let resolved = try tensor.resolved()
    if resolved.dtype.isPacked {
      guard resolved.layout.isContiguous, resolved.layout.offset == 0 else {
        throw TensorError.packedView(resolved.dtype)
      }
      return resolved
    }
    return resolved.layout.isContiguous ? resolved : try resolved.contiguous()
  }

  /// The numbers in a range of indices.
  ///
  /// - Parameter range: Inside `0..<count`.
  /// - Returns: One number for each index.
  /// - Throws: What reading and converting the elements throws.
  func numbers(in range: Range<Int>) throws -> [Double] {
    switch form {
    case .real: return try parts(in: range)
    case .complex:
      let parts = try parts(in: 2 * range.lowerBound..<2 * range.upperBound)
      return (0..<range.count).map { hypot(parts[2 * $0], parts[2 * $0 + 1]) }
    case .quantized(let quantization):
      return try scaled(parts(in: range), quantization, from: range.lowerBound)
    case .packed(let bits, let quantization):
      let perByte = 8 / bits
      let first = range.lowerBound / perByte
      let last = (range.upperBound + perByte - 1) / perByte
      let bytes = try parts(in: first..<max(first, last)).map { Int($0) }
      let integers = range.map { index in
        let byte = bytes[index / perByte - first]
        return Double(byte >> (index % perByte * bits) & (1 << bits - 1))
      }
      return try scaled(integers, quantization, from: range.lowerBound)
    }
  }

  /// Real and imaginary parts by turns; nil for what is not complex.
  func components(in range: Range<Int>) throws -> [Double]? {
    guard case .complex = form else { return nil }
    return try parts(in: 2 * range.lowerBound..<2 * range.upperBound)
  }

  private func parts(in range: Range<Int>) throws -> [Double] {
    try unsafe [Double](unsafeUninitializedCapacity: range.count) {
      buffer,
      count in
      try unsafe write(range, to: buffer)
      count = range.count
    }
  }

  private func write(
    _ range: Range<Int>,
    to numbers: UnsafeMutableBufferPointer<Double>
  ) throws {
    let piece = try Tensor(
      dtype: source.dtype,
      layout: Layout(
        contiguous: [range.count],
        offset: source.layout.offset + range.lowerBound
      ),
      storage: source.storage
    )
    try unsafe piece.write(to: numbers)
  }

  private func scaled(
    _ integers: [Double],
    _ quantization: Quantization,
    from start: Int
  ) throws -> [Double] {
    switch quantization {
    case .perTensor(let scale, let zeroPoint):
      return integers.map { ($0 - Double(zeroPoint)) * scale }
    case .perChannel(let scales, let zeroPoints, let axis, _):
      let scales = try scales.converted(to: .float64).elements(as: Double.self)
      let zeros = try zeroPoints.converted(to: .float64)
        .elements(as: Double.self)
      guard scales.count == zeros.count,
        scales.count == 1
          || shape.indices.contains(axis)
            && scales.count == shape[axis]
      else {
        throw Failure(
          Exit.badData,
          "\(scales.count) scales along dimension \(axis) don't fit the shape "
            + "\(shape)"
        )
      }
      // The elements between one index of the dimension and the next.
      let inner =
        scales.count == 1
        ? 1 : max(1, shape.dropFirst(axis + 1).reduce(1, *))
      return integers.indices.map { index in
        let channel = (start + index) / inner % scales.count
        return (integers[index] - zeros[channel]) * scales[channel]
      }
    }
  }

  /// The ranges that the numbers are cut into for work on several cores.
  var ranges: [Range<Int>] {
    let most = 4096
    let size = max(Self.blockSize, (count + most - 1) / most)
    return stride(from: 0, to: count, by: size).map {
      $0..<min(count, $0 + size)
    }
  }

  /// Calls `body` with a range's numbers, a block at a time.
  func forEachBlock(
    in range: Range<Int>,
    _ body: (UnsafeBufferPointer<Double>) -> Void
  ) throws {
    let buffer = UnsafeMutableBufferPointer<Double>.allocate(
      capacity: Self.blockSize
    )
    defer { unsafe buffer.deallocate() }
    var start = range.lowerBound
    while start < range.upperBound {
      let block = start..<min(range.upperBound, start + Self.blockSize)
      if case .real = form {
        try unsafe write(block, to: buffer)
        unsafe body(UnsafeBufferPointer(rebasing: buffer[..<block.count]))
      } else {
        unsafe try numbers(in: block).withUnsafeBufferPointer(body)
      }
      start = block.upperBound
    }
  }
}
