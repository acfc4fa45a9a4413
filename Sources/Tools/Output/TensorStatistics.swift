internal import Tensors

/// Numbers that describe a tensor's elements.
struct TensorStatistics {
  /// All elements.
  private(set) var count = 0
  /// The smallest finite element.
  private(set) var minimum = Double.infinity
  /// The largest finite element.
  private(set) var maximum = -Double.infinity
  /// The mean of the finite elements.
  private(set) var mean = 0.0
  /// How many elements are zero.
  private(set) var zeros = 0
  /// How many elements are NaN or infinite.
  private(set) var nonFinite = 0

  private var squares = 0.0

  /// How many finite elements there are.
  var finite: Int { count - nonFinite }

  /// The standard deviation of all finite elements, as of a population.
  var deviation: Double {
    finite > 0 ? (squares / Double(finite)).squareRoot() : 0
  }

  /// Reads a tensor once.
  ///
  /// - Throws: What reading and converting its elements throws.
  init(_ tensor: Tensor) throws {
    try tensor.forEachNumber { number in
      count += 1
      guard number.isFinite else {
        nonFinite += 1
        return
      }
      if number == 0 { zeros += 1 }
      minimum = min(minimum, number)
      maximum = max(maximum, number)
      // Welford's way loses no digits of a small deviation.
      let step = number - mean
      mean += step / Double(finite)
      squares += step * (number - mean)
    }
  }

  /// How many finite elements are in each of some equal parts of their range.
  ///
  /// - Throws: As ``init(_:)`` does.
  func histogram(of tensor: Tensor, bins: Int) throws -> [Int] {
    var counts = [Int](repeating: 0, count: bins)
    guard finite > 0 else { return counts }
    // Halves, so that the widest range is no infinite one.
    let width = maximum / 2 - minimum / 2
    try tensor.forEachNumber { number in
      guard number.isFinite else { return }
      let part = width > 0 ? (number / 2 - minimum / 2) / width : 0
      counts[min(bins - 1, Int(part * Double(bins)))] += 1
    }
    return counts
  }
}

extension Tensor {
  /// Whether elements can be read as real numbers.
  var hasNumbers: Bool {
    !storage.isMeta
      && (dtype.isFloatingPoint || dtype.isInteger || dtype == .bool)
  }

  /// Calls `body` with every element as a number, in row-major order.
  ///
  /// - Throws: What reading and converting throws.
  func forEachNumber(_ body: (Double) -> Void) throws {
    let source = try resolved()
    let whole = source.layout.isContiguous ? source : try source.contiguous()
    var start = 0
    while start < whole.elementCount {
      let count = min(1 << 16, whole.elementCount - start)
      let piece = try Tensor(
        dtype: whole.dtype,
        layout: Layout(
          contiguous: [count],
          offset: whole.layout.offset + start
        ),
        storage: whole.storage
      )
      for number in try piece.converted(to: .float64).elements(as: Double.self)
      { body(number) }
      start += count
    }
  }

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
    return try Tensor(
      dtype: dtype,
      layout: Layout(
        shape: Array(shape.dropFirst()),
        strides: Array(layout.strides.dropFirst()),
        offset: offset
      ),
      storage: storage
    )
  }
}
