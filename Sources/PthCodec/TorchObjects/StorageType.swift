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
    self = Self.names[dtype] == nil ? .untyped : .typed(dtype)
  }

  /// The module and name of the class.
  var global: (module: String, name: String) {
    switch self {
    case .typed(let dtype):
      Self.names[dtype].map { ("torch", $0) }
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

  private static let dtypes: [String: DType] = [
    "DoubleStorage": .float64,
    "FloatStorage": .float32,
    "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16,
    "LongStorage": .int64,
    "IntStorage": .int32,
    "ShortStorage": .int16,
    "CharStorage": .int8,
    "ByteStorage": .uint8,
    "BoolStorage": .bool,
    "ComplexDoubleStorage": .complex128,
    "ComplexFloatStorage": .complex64,
    "QInt8Storage": .qint8,
    "QUInt8Storage": .quint8,
    "QInt32Storage": .qint32,
    "QUInt4x2Storage": .quint4x2,
    "QUInt2x4Storage": .quint2x4,
  ]

  private static let names: [DType: String] = Dictionary(
    uniqueKeysWithValues: dtypes.map { ($0.value, $0.key) }
  )
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
