internal import Tensors

/// The element types of ggml that this package reads.
///
/// Source: `enum ggml_type` in ggml.h and the block structures of
/// ggml-common.h.
enum GGUFType: UInt32, CaseIterable {
  case f32 = 0
  case f16 = 1
  case q4_0 = 2
  case q4_1 = 3
  case q5_0 = 6
  case q5_1 = 7
  case q8_0 = 8
  case i8 = 24
  case i16 = 25
  case i32 = 26
  case i64 = 27
  case f64 = 28
  case bf16 = 30

  /// The dtype of the same elements; nil for a type made of blocks.
  var dtype: DType? {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    case .f64: .float64
    case .i8: .int8
    case .i16: .int16
    case .i32: .int32
    case .i64: .int64
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: nil
    }
  }

  /// The type that holds a dtype's elements as they are.
  init?(_ dtype: DType) {
    guard let type = Self.allCases.first(where: { $0.dtype == dtype }) else {
      return nil
    }
    self = type
  }

  /// The elements of a block; 1 where there are no blocks.
  var blockSize: Int { dtype == nil ? 32 : 1 }

  /// The bytes of a block or of an element.
  var blockBytes: Int {
    switch self {
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    default: dtype?.itemSize ?? 0
    }
  }

  /// The bytes of `count` elements, a whole number of blocks.
  func byteCount(of count: Int) -> Int? {
    let (bytes, overflow) = (count / blockSize)
      .multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }

  /// What is known of types that are not read.
  static func name(of code: UInt32) -> String {
    let others: [UInt32: String] = [
      9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K",
      15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
      20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M",
      34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
    ]
    return others[code] ?? "number \(code)"
  }
}
