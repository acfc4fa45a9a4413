internal import Tensors

/// The classes that PyTorch names as a storage's type, and their dtypes.
///
/// Source: `torch/storage.py` (`_dtype_to_storage_type_map`) of torch 2.13.
enum StorageType: Hashable, Sendable {
  /// Elements of one dtype; counts are elements.
  case typed(DType)
  /// Bytes; counts are bytes, and the dtype stands with the tensor.
  case untyped

  /// The class called `name`, in `torch`, `torch.cuda` or `torch.storage`.
  init?(module: String, name: String) {
    switch module {
    case "torch", "torch.cuda":
      guard let dtype = Self.dtypes[name] else { return nil }
      self = .typed(dtype)
    case "torch.storage":
      guard name == "UntypedStorage" || name == "_UntypedStorage" else {
        return nil
      }
      self = .untyped
    default:
      return nil
    }
  }

  /// The type that PyTorch writes for tensors of a dtype.
  init(writing dtype: DType) {
    self = Self.className(of: dtype) == nil ? .untyped : .typed(dtype)
  }

  /// The module and name of the class.
  var global: (module: String, name: String) {
    switch self {
    case .typed(let dtype):
      Self.className(of: dtype).map { ("torch", $0) }
        ?? ("torch.storage", "UntypedStorage")
    case .untyped: ("torch.storage", "UntypedStorage")
    }
  }

  /// The dtype of the elements that counts are in; uint8 for bytes.
  var countedDType: DType {
    switch self {
    case .typed(let dtype): dtype
    case .untyped: .uint8
    }
  }

  private static let dtypes = Dictionary(
    uniqueKeysWithValues: DType.allCases.compactMap { dtype in
      className(of: dtype).map { ($0, dtype) }
    }
  )

  /// The class of a dtype's storages in `torch`, nil where they are untyped.
  private static func className(of dtype: DType) -> String? {
    switch dtype {
    case .float64: "DoubleStorage"
    case .float32: "FloatStorage"
    case .float16: "HalfStorage"
    case .bfloat16: "BFloat16Storage"
    case .int64: "LongStorage"
    case .int32: "IntStorage"
    case .int16: "ShortStorage"
    case .int8: "CharStorage"
    case .uint8: "ByteStorage"
    case .bool: "BoolStorage"
    case .complex128: "ComplexDoubleStorage"
    case .complex64: "ComplexFloatStorage"
    case .qint8: "QInt8Storage"
    case .quint8: "QUInt8Storage"
    case .qint32: "QInt32Storage"
    case .quint4x2: "QUInt4x2Storage"
    case .quint2x4: "QUInt2x4Storage"
    default: nil
    }
  }
}

extension DType {
  /// The dtype that a global of the module `torch` names, such as `float32`.
  init?(torchName: String) {
    if let dtype = DType(rawValue: torchName) {
      self = dtype
    } else if let dtype = Self.aliases[torchName] {
      self = dtype
    } else {
      return nil
    }
  }

  private static let aliases: [String: DType] = [
    "double": .float64, "float": .float32, "half": .float16,
    "long": .int64, "int": .int32, "short": .int16,
    "cdouble": .complex128, "cfloat": .complex64, "chalf": .complex32,
  ]
}
