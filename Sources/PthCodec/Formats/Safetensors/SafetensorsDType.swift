internal import Tensors

/// The names of dtypes in safetensors, in the reference's order: a file's
/// tensors are sorted by it, the last first.
///
/// Source: `enum Dtype` of safetensors 0.8.
enum SafetensorsDType {
  private static let names: [(name: String, dtype: DType?)] = [
    ("BOOL", .bool), ("F4", .float4E2M1FNx2), ("F6_E2M3", nil),
    ("F6_E3M2", nil), ("U8", .uint8), ("I8", .int8), ("F8_E5M2", .float8E5M2),
    ("F8_E4M3", .float8E4M3FN), ("F8_E8M0", .float8E8M0FNU),
    ("F8_E4M3FNUZ", .float8E4M3FNUZ), ("F8_E5M2FNUZ", .float8E5M2FNUZ),
    ("I16", .int16), ("U16", .uint16), ("F16", .float16), ("BF16", .bfloat16),
    ("I32", .int32), ("U32", .uint32), ("F32", .float32), ("C64", .complex64),
    ("F64", .float64), ("I64", .int64), ("U64", .uint64),
  ]

  private static let dtypes = Dictionary(
    uniqueKeysWithValues: names.map { ($0.name, $0.dtype) }
  )

  private static let ranks = Dictionary(
    uniqueKeysWithValues: names.enumerated().compactMap { index, entry in
      entry.dtype.map { ($0, index) }
    }
  )

  /// The dtype that a name means.
  ///
  /// - Throws: ``CheckpointError`` for an unknown name and for the types of 6
  ///   bits, which PyTorch does not have.
  static func dtype(named name: String) throws(CheckpointError) -> DType {
    guard let entry = dtypes[name] else {
      throw CheckpointError(.unsupported, "safetensors has no dtype \(name)")
    }
    guard let dtype = entry else {
      throw CheckpointError(.unsupported, "PyTorch has no dtype for \(name)")
    }
    return dtype
  }

  /// The name of a dtype; nil for one that safetensors lacks.
  static func name(of dtype: DType) -> String? {
    ranks[dtype].map { names[$0].name }
  }

  /// The place of a dtype in the reference's order.
  static func rank(of dtype: DType) -> Int { ranks[dtype] ?? -1 }

  /// The header's shape for a tensor: it counts numbers, not pairs.
  static func headerShape(of tensor: Tensor) -> [Int] {
    guard tensor.dtype == .float4E2M1FNx2, let last = tensor.shape.last else {
      return tensor.shape
    }
    return tensor.shape.dropLast() + [
      last.multipliedReportingOverflow(by: 2)
        .partialValue
    ]
  }
}
