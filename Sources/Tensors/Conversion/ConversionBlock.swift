internal import CKernels

/// Room for one block's intermediate values.
@safe
struct ConversionScratch {
  /// float32 of every element or complex part.
  let floats: UnsafeMutableRawPointer
  /// float64 of every element.
  let doubles: UnsafeMutableRawPointer
  /// The real parts of complex numbers.
  let parts: UnsafeMutableRawPointer

  init(elements: Int) {
    unsafe floats = .allocate(byteCount: elements * 8, alignment: 64)
    unsafe doubles = .allocate(byteCount: elements * 16, alignment: 64)
    unsafe parts = .allocate(byteCount: elements * 16, alignment: 64)
  }

  func deallocate() {
    unsafe floats.deallocate()
    unsafe doubles.deallocate()
    unsafe parts.deallocate()
  }
}

/// A few elements that are converted at once.
@unsafe
struct ConversionBlock {
  var source: UnsafeRawPointer
  var target: UnsafeMutableRawPointer
  var count: Int
  /// The first element's index, for messages.
  var first: Int
  var wrapsIntegers: Bool
  /// Whether the elements are parts of complex numbers.
  var isPart = false

  /// The same bytes as twice as many complex parts.
  var pairs: ConversionBlock {
    var block = unsafe self
    unsafe block.count *= 2
    return unsafe block
  }

  /// Copies complex numbers as they are.
  func copy(pairsOf part: DType) {
    unsafe target.copyMemory(
      from: source,
      byteCount: count * 2 * part.itemSize
    )
  }

  /// Converts between two real dtypes.
  func convert(
    _ from: DType,
    to: DType,
    _ scratch: inout ConversionScratch
  ) throws(TensorError) {
    guard let kind = ElementKind(from), let goal = ElementKind(to) else {
      throw .noConversion(from: from, to: to)
    }
    switch (kind, goal) {
    case (.integer, .integer), (.integer, .bool), (.bool, .integer),
      (.bool, .bool):
      try unsafe convertIntegers(from, to)
    case (.integer, .double), (.bool, .double):
      unsafe convertIntegers(from, toFloat: Double.self, target)
    case (.integer, .float), (.bool, .float):
      unsafe convertIntegers(from, toFloat: Float.self, target)
    case (.integer, .small(let type)), (.bool, .small(let type)):
      unsafe convertIntegers(from, toFloat: Float.self, scratch.floats)
      unsafe pth_narrow(type, scratch.floats, target, count, 1)
    case (_, .bool), (_, .integer):
      let doubles = unsafe widened(kind, scratch)
      try unsafe convertDoubles(doubles, to)
    case (.small(let type), .small(let other)):
      unsafe pth_widen(type, source, scratch.floats, count, 1)
      unsafe pth_narrow(plain(other), scratch.floats, target, count, 1)
    case (.small(let type), .float):
      unsafe pth_widen(type, source, target, count, 1)
    case (.small(let type), .double):
      unsafe pth_widen(type, source, scratch.floats, count, 1)
      unsafe pth_float_to_double(scratch.floats, target, count)
    case (.float, .small(let type)):
      unsafe pth_narrow(
        isPart ? plain(type) : type,
        source,
        target,
        count,
        1
      )
    case (.double, .small(let type)):
      unsafe pth_double_to_float(source, scratch.floats, count)
      unsafe pth_narrow(plain(type), scratch.floats, target, count, 1)
    case (.float, .double):
      unsafe pth_float_to_double(source, target, count)
    case (.double, .float):
      unsafe pth_double_to_float(source, target, count)
    case (.float, .float), (.double, .double):
      unsafe target.copyMemory(from: source, byteCount: count * from.itemSize)
    }
  }

  /// The type whose NaN PyTorch takes everywhere but in its float32 vectors.
  private func plain(_ type: pth_small_float) -> pth_small_float {
    type == PTH_BFLOAT16 ? PTH_BFLOAT16_PLAIN_NAN : type
  }

  /// The floats as float64, each exactly.
  private func widened(
    _ kind: ElementKind,
    _ scratch: ConversionScratch
  ) -> UnsafeRawPointer {
    switch kind {
    case .small(let type):
      unsafe pth_widen(type, source, scratch.floats, count, 1)
      unsafe pth_float_to_double(scratch.floats, scratch.doubles, count)
    case .float: unsafe pth_float_to_double(source, scratch.doubles, count)
    default: return unsafe source
    }
    return unsafe UnsafeRawPointer(scratch.doubles)
  }

  /// Converts real numbers to complex ones with an imaginary part of 0.
  func convertToComplex(
    _ from: DType,
    _ part: DType,
    _ scratch: inout ConversionScratch
  ) throws(TensorError) {
    var reals = unsafe self
    unsafe reals.target = unsafe scratch.parts
    try unsafe reals.convert(from, to: part, &scratch)
    let size = part.itemSize
    unsafe target.initializeMemory(
      as: UInt8.self,
      repeating: 0,
      count: count * 2 * size
    )
    for index in unsafe 0..<count {
      unsafe (target + index * 2 * size).copyMemory(
        from: scratch.parts + index * size,
        byteCount: size
      )
    }
  }

  /// Converts complex numbers to real ones: their real parts.
  func convertFromComplex(
    _ part: DType,
    _ to: DType,
    _ scratch: inout ConversionScratch
  ) throws(TensorError) {
    if to == .bool {
      return try unsafe convertComplexToBool(part, &scratch)
    }
    let size = part.itemSize
    for index in unsafe 0..<count {
      unsafe (scratch.parts + index * size).copyMemory(
        from: source + index * 2 * size,
        byteCount: size
      )
    }
    var reals = unsafe self
    unsafe reals.source = unsafe UnsafeRawPointer(scratch.parts)
    unsafe reals.isPart = true
    try unsafe reals.convert(part, to: to, &scratch)
  }

  /// A complex number is true where either part is.
  private func convertComplexToBool(
    _ part: DType,
    _ scratch: inout ConversionScratch
  ) throws(TensorError) {
    var parts = unsafe pairs
    unsafe parts.target = unsafe scratch.parts
    try unsafe parts.convert(part, to: .bool, &scratch)
    for index in unsafe 0..<count {
      let real = unsafe scratch.parts.load(
        fromByteOffset: 2 * index,
        as: UInt8.self
      )
      let imaginary = unsafe scratch.parts.load(
        fromByteOffset: 2 * index + 1,
        as: UInt8.self
      )
      unsafe target.storeBytes(
        of: real | imaginary,
        toByteOffset: index,
        as: UInt8.self
      )
    }
  }
}
