/// How a tensor's elements lie in its storage, as PyTorch counts: in elements.
public struct Layout: Sendable, Hashable {
  /// The size of each dimension; empty for a scalar.
  public let shape: [Int]

  /// The step in elements from one index to the next, for each dimension.
  public let strides: [Int]

  /// The first element's index in the storage.
  public let offset: Int

  /// The product of the shape.
  public let elementCount: Int

  /// The elements that the storage must have for every index to lie in it.
  public let extent: Int

  /// Makes a layout and checks its numbers once.
  ///
  /// - Parameters:
  ///   - shape: The size of each dimension.
  ///   - strides: The step of each dimension, in elements.
  ///   - offset: The first element's index.
  /// - Throws: ``LayoutError`` for a negative number, for lists of different
  ///   lengths and for numbers whose products overflow.
  public init(
    shape: [Int],
    strides: [Int],
    offset: Int = 0
  ) throws(LayoutError) {
    guard shape.count == strides.count else {
      throw .rankMismatch(shape: shape, strides: strides)
    }
    guard offset >= 0 else { throw .negative(offset) }
    for number in shape where number < 0 { throw .negative(number) }
    for number in strides where number < 0 { throw .negative(number) }
    var count = 1
    var last = offset
    var overflow = false
    for (size, stride) in zip(shape, strides) {
      let product = count.multipliedReportingOverflow(by: size)
      count = product.partialValue
      overflow = overflow || product.overflow
      guard size > 0 else { continue }
      let step = (size - 1).multipliedReportingOverflow(by: stride)
      let sum = last.addingReportingOverflow(step.partialValue)
      last = sum.partialValue
      overflow = overflow || step.overflow || sum.overflow
    }
    let isEmpty = shape.contains(0)
    let end = last.addingReportingOverflow(1)
    guard isEmpty || (!overflow && !end.overflow) else {
      throw .overflow(shape: shape, strides: strides, offset: offset)
    }
    self.shape = shape
    self.strides = strides
    self.offset = offset
    elementCount = isEmpty ? 0 : count
    extent = isEmpty ? 0 : end.partialValue
  }

  /// Makes the row-major layout without gaps.
  ///
  /// - Parameters:
  ///   - shape: The size of each dimension.
  ///   - offset: The first element's index.
  /// - Throws: ``LayoutError`` for a negative size and for a product that
  ///   overflows.
  public init(contiguous shape: [Int], offset: Int = 0) throws(LayoutError) {
    try self.init(
      shape: shape,
      strides: Self.contiguousStrides(of: shape),
      offset: offset
    )
  }

  /// The strides of a row-major tensor without gaps, as PyTorch gives them.
  ///
  /// - Parameter shape: The size of each dimension.
  /// - Returns: The step of each dimension, in elements.
  public static func contiguousStrides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    var step = 1
    for index in shape.indices.reversed() {
      strides[index] = step
      step =
        step.multipliedReportingOverflow(by: max(1, shape[index]))
        .partialValue
    }
    return strides
  }

  /// The index in each dimension of an element, counted in row-major order.
  package static func index(
    ofElement position: Int,
    in shape: [Int]
  ) -> [Int] {
    var rest = position
    var index: [Int] = []
    for size in shape.reversed() where size > 0 {
      index.append(rest % size)
      rest /= size
    }
    return index.reversed()
  }

  /// The number of dimensions.
  public var rank: Int { shape.count }

  /// Whether the elements lie in row-major order without gaps.
  public var isContiguous: Bool {
    guard elementCount > 0 else { return true }
    var step = 1
    for index in shape.indices.reversed() where shape[index] != 1 {
      guard strides[index] == step else { return false }
      step *= shape[index]
    }
    return true
  }

  /// Whether the elements lie in column-major order without gaps.
  public var isColumnMajor: Bool {
    (try? reversed().isContiguous) ?? false
  }

  /// The layout with its dimensions in the opposite order.
  ///
  /// - Returns: What a transposed view has.
  /// - Throws: ``LayoutError``, as the initializer does.
  public func reversed() throws(LayoutError) -> Layout {
    try Layout(
      shape: shape.reversed(),
      strides: strides.reversed(),
      offset: offset
    )
  }
}

/// A layout whose numbers can't be.
public enum LayoutError: Error, Sendable, Hashable {
  /// Shape and strides differ in length.
  case rankMismatch(shape: [Int], strides: [Int])
  /// A size, a stride or the offset is negative.
  case negative(Int)
  /// The numbers' products don't fit 64 bits.
  case overflow(shape: [Int], strides: [Int], offset: Int)
  /// The storage ends before the layout does. Counts are bytes.
  case beyondStorage(needed: Int, available: Int)
}

extension LayoutError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .rankMismatch(let shape, let strides):
      "\(shape.count) sizes but \(strides.count) strides"
    case .negative(let number):
      "a size, stride or offset is \(number); none may be negative"
    case .overflow(let shape, let strides, let offset):
      "shape \(shape) with strides \(strides) and offset \(offset) "
        + "is larger than any memory"
    case .beyondStorage(let needed, let available):
      "the view needs \(needed) bytes of its storage, which has \(available)"
    }
  }
}
