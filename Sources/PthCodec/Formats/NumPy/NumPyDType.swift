internal import Tensors

/// The element types of NumPy that PyTorch has too.
///
/// Source: NumPy's "Array interface protocol", `typestr`.
enum NumPyDType {
  private static let kinds: [(code: String, dtype: DType)] = [
    ("b1", .bool), ("i1", .int8), ("u1", .uint8), ("i2", .int16),
    ("u2", .uint16), ("i4", .int32), ("u4", .uint32), ("i8", .int64),
    ("u8", .uint64), ("f2", .float16), ("f4", .float32), ("f8", .float64),
    ("c8", .complex64), ("c16", .complex128),
  ]

  /// The dtype of a code without a byte order, such as `f4`.
  static func dtype(ofCode code: some StringProtocol) -> DType? {
    kinds.first { $0.code == code }?.dtype
  }

  /// The dtype and byte order of a type string such as `<f4`.
  ///
  /// - Throws: ``CheckpointError`` for a type that is no tensor's, with the
  ///   reason.
  static func parse(
    _ text: String
  ) throws(CheckpointError) -> (dtype: DType, order: ByteOrder) {
    let orders: [Character: ByteOrder] = [
      "<": .little, ">": .big, "|": .host, "=": .host,
    ]
    guard let first = text.first, let order = orders[first] else {
      throw CheckpointError(.damaged, "'\(text)' is no type of NumPy")
    }
    let code = text.dropFirst()
    if let dtype = dtype(ofCode: code) { return (dtype, order) }
    let reason =
      switch code.first {
      case "O":
        "its elements are Python objects, kept as a pickle that would have to "
          + "be run"
      case "S", "U": "its elements are text"
      case "V": "its elements are records or raw bytes"
      case "M", "m": "its elements are times"
      default: "PyTorch has no such number"
      }
    throw CheckpointError(
      .unsupported,
      "an array of type '\(text)' is no tensor: \(reason)"
    )
  }

  /// The type string of a dtype; nil for one that NumPy lacks.
  static func text(of dtype: DType) -> String? {
    kinds.first { $0.dtype == dtype }
      .map { (dtype.itemSize == 1 ? "|" : "<") + $0.code }
  }
}
