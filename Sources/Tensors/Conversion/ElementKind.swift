internal import CKernels

/// How the elements of a dtype are converted.
enum ElementKind {
  /// A float of 8 or 16 bits, converted by way of float32.
  case small(pth_small_float)
  case float
  case double
  case integer
  case bool

  /// The kind of a real dtype; nil for one that has no conversions.
  init?(_ dtype: DType) {
    switch dtype {
    case .float16: self = .small(PTH_FLOAT16)
    case .bfloat16: self = .small(PTH_BFLOAT16)
    case .float8E4M3FN: self = .small(PTH_FLOAT8_E4M3FN)
    case .float8E4M3FNUZ: self = .small(PTH_FLOAT8_E4M3FNUZ)
    case .float8E5M2: self = .small(PTH_FLOAT8_E5M2)
    case .float8E5M2FNUZ: self = .small(PTH_FLOAT8_E5M2FNUZ)
    case .float8E8M0FNU: self = .small(PTH_FLOAT8_E8M0FNU)
    case .float32: self = .float
    case .float64: self = .double
    case .bool: self = .bool
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
      self = .integer
    default: return nil
    }
  }
}

extension DType {
  /// The dtype of a complex number's two parts; nil for a real dtype.
  public var component: DType? {
    switch self {
    case .complex128: .float64
    case .complex64: .float32
    case .complex32: .float16
    default: nil
    }
  }
}
