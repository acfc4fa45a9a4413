/// The type of a tensor's elements: every dtype that PyTorch 2.13 can save.
///
/// The raw value is PyTorch's name without `torch.`.
public enum DType: String, Sendable, Hashable, CaseIterable {
  /// IEEE 754 double precision.
  case float64
  /// IEEE 754 single precision.
  case float32
  /// IEEE 754 half precision.
  case float16
  /// The upper half of a float32.
  case bfloat16
  /// Two float64: real part, imaginary part.
  case complex128
  /// Two float32: real part, imaginary part.
  case complex64
  /// Two float16: real part, imaginary part.
  case complex32
  /// A signed integer of 64 bits.
  case int64
  /// A signed integer of 32 bits.
  case int32
  /// A signed integer of 16 bits.
  case int16
  /// A signed integer of 8 bits.
  case int8
  /// An unsigned integer of 8 bits.
  case uint8
  /// An unsigned integer of 16 bits.
  case uint16
  /// An unsigned integer of 32 bits.
  case uint32
  /// An unsigned integer of 64 bits.
  case uint64
  /// A byte that is 0 or 1.
  case bool
  /// A quantized signed integer of 8 bits.
  case qint8
  /// A quantized unsigned integer of 8 bits.
  case quint8
  /// A quantized signed integer of 32 bits.
  case qint32
  /// A quantized unsigned integer of 4 bits, two a byte.
  case quint4x2
  /// A quantized unsigned integer of 2 bits, four a byte.
  case quint2x4
  /// 4 bits of exponent, 3 of mantissa, finite: no infinities.
  case float8E4M3FN = "float8_e4m3fn"
  /// As ``float8E4M3FN``, without negative zero.
  case float8E4M3FNUZ = "float8_e4m3fnuz"
  /// 5 bits of exponent, 2 of mantissa.
  case float8E5M2 = "float8_e5m2"
  /// As ``float8E5M2``, finite and without negative zero.
  case float8E5M2FNUZ = "float8_e5m2fnuz"
  /// 8 bits of exponent alone: a power of two.
  case float8E8M0FNU = "float8_e8m0fnu"
  /// Two floats of 4 bits in a byte; shapes count bytes.
  case float4E2M1FNx2 = "float4_e2m1fn_x2"
  /// 8 bits without a meaning.
  case bits8
  /// 16 bits without a meaning.
  case bits16
  /// 8 times 1 bit; shapes count bytes.
  case bits1x8
  /// 4 times 2 bits; shapes count bytes.
  case bits2x4
  /// 2 times 4 bits; shapes count bytes.
  case bits4x2
}

extension DType {
  /// The bits that one element takes in a storage.
  public var bitsPerElement: Int {
    switch self {
    case .complex128: 128
    case .float64, .complex64, .int64, .uint64: 64
    case .float32, .complex32, .int32, .uint32, .qint32: 32
    case .float16, .bfloat16, .int16, .uint16, .bits16: 16
    case .quint4x2: 4
    case .quint2x4: 2
    case .int8, .uint8, .bool, .qint8, .quint8, .float8E4M3FN,
      .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU,
      .float4E2M1FNx2, .bits8, .bits1x8, .bits2x4, .bits4x2:
      8
    }
  }

  /// The bytes that one element takes, 1 where several share a byte.
  public var itemSize: Int { max(1, bitsPerElement / 8) }

  /// Whether several elements share a byte.
  public var isPacked: Bool { bitsPerElement < 8 }

  /// The bytes whose order depends on the machine: a complex number has two.
  public var swapUnit: Int {
    switch self {
    case .complex128: 8
    case .complex64: 4
    case .complex32: 2
    default: itemSize
    }
  }

  /// Whether the elements are quantized integers with a scale.
  public var isQuantized: Bool {
    switch self {
    case .qint8, .quint8, .qint32, .quint4x2, .quint2x4: true
    default: false
    }
  }

  /// Whether the elements are real floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16, .float8E4M3FN,
      .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU:
      true
    default: false
    }
  }

  /// Whether the elements are complex numbers.
  public var isComplex: Bool {
    switch self {
    case .complex128, .complex64, .complex32: true
    default: false
    }
  }

  /// Whether the elements are plain integers, `bool` not among them.
  public var isInteger: Bool {
    switch self {
    case .int64, .int32, .int16, .int8, .uint8, .uint16, .uint32, .uint64:
      true
    default: false
    }
  }

  /// The bytes that `count` elements take.
  ///
  /// - Parameter count: A number of elements, not negative.
  /// - Returns: The bytes, the last one perhaps in part; nil past `Int.max`.
  public func byteCount(ofElements count: Int) -> Int? {
    let (bits, overflow) = count.multipliedReportingOverflow(
      by: isPacked ? bitsPerElement : itemSize
    )
    guard !overflow, count >= 0 else { return nil }
    guard isPacked else { return bits }
    return bits / 8 + (bits % 8 == 0 ? 0 : 1)
  }
}

extension DType: CustomStringConvertible {
  public var description: String { rawValue }
}
