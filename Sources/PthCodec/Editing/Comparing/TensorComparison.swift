internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Compares the elements of two tensors: bytes first, a piece at a time, and
/// numbers only where bytes differ.
struct TensorComparison {
  private let first: Tensor
  private let second: Tensor
  private let tolerance: Tolerance
  private let progress: (Int) -> Void
  private var found = ElementDifference()

  /// Takes two tensors of one name; `progress` is told how many bytes are
  /// compared.
  init(
    _ first: Tensor,
    _ second: Tensor,
    _ tolerance: Tolerance,
    progress: @escaping (Int) -> Void = { _ in }
  ) {
    self.first = first
    self.second = second
    self.tolerance = tolerance
    self.progress = progress
  }

  /// The difference; nil where there is none.
  func difference(named name: String) throws -> TensorDifference? {
    var result = TensorDifference(
      name: name,
      shapes: (first.shape, second.shape),
      dtypes: (first.dtype, second.dtype)
    )
    guard first.shape == second.shape else { return result }
    let isSameKind = first.storage.isMeta == second.storage.isMeta
    guard !first.storage.isMeta, !second.storage.isMeta else {
      return first.dtype == second.dtype && isSameKind ? nil : result
    }
    var comparison = self
    try comparison.compare()
    result.elements = comparison.found
    result.isQuantizedOtherwise = try isQuantizedOtherwise()
    return comparison.found.count == 0 && first.dtype == second.dtype
      && !result.isQuantizedOtherwise ? nil : result
  }

  private func isQuantizedOtherwise() throws -> Bool {
    switch (first.quantization, second.quantization) {
    case (nil, nil): return false
    case (.perTensor(let a, let b), .perTensor(let c, let d)):
      return a != c || b != d
    case (
      .perChannel(let a, let b, let axis, _),
      .perChannel(let c, let d, let otherAxis, _)
    ):
      guard axis == otherAxis else { return true }
      for (one, other) in [(a, c), (b, d)] {
        let difference = try TensorComparison(one, other, Tolerance())
          .difference(named: "")
        if difference != nil { return true }
      }
      return false
    default: return true
    }
  }

  // MARK: Pieces

  /// The elements of a piece: a multiple of all item sizes' bytes.
  private static let pieceElements = 1 << 17

  private mutating func compare() throws {
    // The same bytes of the same file.
    if first.storage === second.storage, first.layout == second.layout,
      first.dtype == second.dtype, first.isConjugate == second.isConjugate,
      first.isNegative == second.isNegative
    {
      return
    }
    let a = try first.resolved().contiguousInPlace()
    let b = try second.resolved().contiguousInPlace()
    if a.dtype == b.dtype, a.dtype.isPacked || Self.number(a.dtype) == nil {
      return try compareBytes(a, b)
    }
    guard let (x, y) = try numbers(a, b) else {
      // Elements of such dtypes have no numbers to compare.
      found.count = a.elementCount
      found.first = a.elementCount > 0 ? 0 : nil
      return
    }
    var start = 0
    let isSameDType = x.dtype == y.dtype
    while start < x.elementCount {
      let count = min(Self.pieceElements, x.elementCount - start)
      let one = try x.piece(start, count)
      let other = try y.piece(start, count)
      if try !isSameDType || !Self.isSame(one, other) {
        try compareNumbers(one, other, from: start)
      }
      start += count
      progress(start &* x.dtype.itemSize)
    }
  }

  private static func isSame(_ a: Tensor, _ b: Tensor) throws -> Bool {
    try unsafe a.withContiguousBytes { one in
      try unsafe b.withContiguousBytes { other in
        guard let start = one.baseAddress, let end = other.baseAddress else {
          return true
        }
        return unsafe memcmp(start, end, one.count) == 0
      }
    }
  }

  /// Compares elements that are no numbers: by their bytes.
  private mutating func compareBytes(_ a: Tensor, _ b: Tensor) throws {
    let size = a.dtype.itemSize
    try unsafe a.withContiguousBytes { one in
      try unsafe b.withContiguousBytes { other in
        for index in 0..<min(one.count, other.count)
        where unsafe one[index] != other[index] {
          let element = index / size
          if found.first == nil { found.first = element }
          if found.largestIndex != element { found.count += 1 }
          found.largestIndex = element
        }
      }
    }
    found.largestIndex = nil
  }

  /// The dtype of the numbers that a dtype's elements are, element for element
  /// or, for complex numbers, part for part; nil where they are none.
  private static func number(_ dtype: DType) -> DType? {
    switch dtype {
    case .qint8: .int8
    case .quint8: .uint8
    case .qint32: .int32
    case .complex128: .float64
    case .complex64: .float32
    case .complex32: .float16
    case let dtype
    where dtype.isFloatingPoint || dtype.isInteger || dtype == .bool:
      dtype
    default: nil
    }
  }

  private func numbers(
    _ a: Tensor,
    _ b: Tensor
  ) throws -> (Tensor, Tensor)? {
    guard let one = Self.number(a.dtype), let other = Self.number(b.dtype),
      a.dtype.isComplex == b.dtype.isComplex
    else { return nil }
    return (try a.flat(as: one), try b.flat(as: other))
  }

  private mutating func compareNumbers(
    _ a: Tensor,
    _ b: Tensor,
    from start: Int
  ) throws {
    if a.dtype == .uint64, b.dtype == .uint64 {
      try compare(
        a.elements(as: UInt64.self),
        b.elements(as: UInt64.self),
        start
      )
    } else if Self.isInteger(a.dtype), Self.isInteger(b.dtype) {
      try compare(
        a.converted(to: .int64).elements(as: Int64.self),
        b.converted(to: .int64).elements(as: Int64.self),
        start
      )
    } else {
      try compare(
        a.converted(to: .float64).elements(as: Double.self),
        b.converted(to: .float64).elements(as: Double.self),
        start
      )
    }
  }

  private static func isInteger(_ dtype: DType) -> Bool {
    dtype == .bool || dtype.isInteger && dtype != .uint64
  }

  private mutating func compare<Number: FixedWidthInteger>(
    _ a: [Number],
    _ b: [Number],
    _ start: Int
  ) {
    for (index, (one, other)) in zip(a, b).enumerated() where one != other {
      let larger = max(one, other)
      let smaller = min(one, other)
      let (difference, overflow) = larger.subtractingReportingOverflow(smaller)
      take(
        overflow ? Double(larger) - Double(smaller) : Double(difference),
        Double(one).magnitude,
        Double(other).magnitude,
        at: start + index
      )
    }
  }

  private mutating func compare(_ a: [Double], _ b: [Double], _ start: Int) {
    for (index, (one, other)) in zip(a, b).enumerated()
    where one != other && !(one.isNaN && other.isNaN) {
      if one.isNaN || other.isNaN {
        found.unmatchedNaN += 1
        note(start + index)
        continue
      }
      take(
        (one - other).magnitude,
        one.magnitude,
        other.magnitude,
        at: start + index
      )
    }
  }

  private mutating func take(
    _ difference: Double,
    _ one: Double,
    _ other: Double,
    at index: Int
  ) {
    let larger = max(one, other)
    let relative = larger.isInfinite ? 1 : difference / larger
    if difference > found.largestAbsolute ?? -1 {
      found.largestAbsolute = difference
      found.largestIndex = element(index)
    }
    found.largestRelative = max(found.largestRelative ?? 0, relative)
    // An infinite tolerance for an infinite number would allow anything.
    let isInside =
      difference.isFinite && other.isFinite
      && difference <= tolerance.absolute + tolerance.relative * other
    if !isInside { note(index) }
  }

  private mutating func note(_ index: Int) {
    found.count += 1
    if found.first == nil { found.first = element(index) }
  }

  /// The element that a number belongs to.
  private func element(_ index: Int) -> Int {
    first.dtype.isComplex ? index / 2 : index
  }
}

extension Tensor {
  /// This tensor, copied only where its elements lie with gaps.
  fileprivate func contiguousInPlace() throws -> Tensor {
    layout.isContiguous ? self : try contiguous()
  }

  /// The elements in one dimension, as numbers of another dtype of their bytes.
  fileprivate func flat(as dtype: DType) throws -> Tensor {
    let parts = self.dtype.isComplex ? 2 : 1
    return try Tensor(
      dtype: dtype,
      layout: Layout(
        contiguous: [elementCount * parts],
        offset: layout.offset * parts
      ),
      storage: storage
    )
  }

  /// Some elements of a flat tensor.
  fileprivate func piece(_ start: Int, _ count: Int) throws -> Tensor {
    try Tensor(
      dtype: dtype,
      layout: Layout(contiguous: [count], offset: layout.offset + start),
      storage: storage
    )
  }
}
