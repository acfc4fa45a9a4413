import Tensors
import TestSupport

/// The numbers of `fixtures/conversions/make.py`, made again.
enum ConversionInput {
  private static let count = 1 << 20

  /// SplitMix64's first numbers from seed 1.
  private static let words: [UInt64] = (1...count).map { index in
    var state = 1 &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
    state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
    return state ^ (state >> 31)
  }

  /// The elements to convert from `source` to `target`.
  static func tensor(_ source: DType, to target: DType) throws -> Tensor {
    if target.isInteger, !source.isInteger, source != .bool {
      return try integral(source, target).converted(to: source)
    }
    switch source {
    case .bool: return try of(source, (0..<256).map { UInt8($0 % 2) })
    case .complex64: return try of(source, Array(words[..<(count / 4)]))
    case .complex128:
      return try of(source, Array(doubles[..<(count / 4)]))
    case .float32: return try of(source, floats)
    case .float64: return try of(source, doubles)
    default: break
    }
    switch source.itemSize {
    case 1: return try of(source, (0..<256).map { UInt8($0) })
    case 2: return try of(source, (0..<65536).map { UInt16($0) })
    case 4:
      return try of(
        source,
        words[..<(count / 4)].map { UInt32(truncatingIfNeeded: $0) }
      )
    default: return try of(source, Array(words[..<(count / 4)]))
    }
  }

  private static func of<Number: BitwiseCopyable>(
    _ dtype: DType,
    _ patterns: [Number]
  ) throws -> Tensor {
    let bytes = patterns.count * MemoryLayout<Number>.stride
    return try Tensor(
      dtype: dtype,
      layout: Layout(contiguous: [bytes / dtype.itemSize]),
      storage: Storage(patterns)
    )
  }

  private static let floats: [UInt32] =
    [0, 1, 0x7FFF, 0x8000, 0xFFFF].flatMap { low in
      (0..<65536).map { UInt32($0) << 16 | UInt32(low) }
    } + words.map { UInt32(truncatingIfNeeded: $0) }

  private static let doubles: [Double] = words.enumerated().map {
    index,
    word in
    var pattern = word
    if index % 2 == 1 {
      let single = Float(bitPattern: UInt32(truncatingIfNeeded: word))
      pattern = Double(single).bitPattern | word >> 36
    }
    let value = Double(bitPattern: pattern)
    return value.isNaN ? 0 : value
  }

  /// Random integers of the target times 0.75; small for a source of 16 bits.
  private static func integral(
    _ source: DType,
    _ target: DType
  ) throws -> Tensor {
    let mask: UInt64 = source.itemSize == 2 ? 0x7F : .max
    return try Tensor(
      words[..<(count / 16)].map { 0.75 * number($0 & mask, target) }
    )
  }

  private static func number(_ word: UInt64, _ dtype: DType) -> Double {
    switch dtype {
    case .int8: Double(Int8(truncatingIfNeeded: word))
    case .int16: Double(Int16(truncatingIfNeeded: word))
    case .int32: Double(Int32(truncatingIfNeeded: word))
    case .int64: Double(Int64(truncatingIfNeeded: word))
    case .uint8: Double(UInt8(truncatingIfNeeded: word))
    case .uint16: Double(UInt16(truncatingIfNeeded: word))
    case .uint32: Double(UInt32(truncatingIfNeeded: word))
    default: Double(word)
    }
  }

  /// The elements folded into one number, in hexadecimal.
  static func digest(_ tensor: Tensor) throws -> String {
    let sum = try tensor.withContiguousBytes { bytes in
      switch tensor.dtype.swapUnit {
      case 1: fold(bytes, as: UInt8.self)
      case 2: fold(bytes, as: UInt16.self)
      case 4: fold(bytes, as: UInt32.self)
      default: fold(bytes, as: UInt64.self)
      }
    }
    let digits = String(sum, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func fold<Number: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer,
    as type: Number.Type
  ) -> UInt64 {
    var sum: UInt64 = 0
    var odd: UInt64 = 1
    for number in bytes.bindMemory(to: Number.self) {
      sum &+= (UInt64(number) &+ 1) &* odd &* 0x9E37_79B9_7F4A_7C15
      odd &+= 2
    }
    return sum
  }
}
