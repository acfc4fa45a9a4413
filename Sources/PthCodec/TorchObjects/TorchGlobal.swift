internal import Tensors

/// The classes and functions that PyTorch writes with tensors.
enum TorchGlobal: Hashable, Sendable {
  case rebuildTensorV2
  case rebuildTensorV3
  case rebuildQTensor
  case rebuildMetaTensor
  case orderedDict
  case perTensorAffine
  case perChannelAffine
  case perChannelAffineFloat
  /// A storage's class.
  case storage(StorageType)
  /// A dtype, which is an attribute of `torch`.
  case dtype(DType)

  /// The module and name, as pickles tell them.
  var names: (module: String, name: String) {
    switch self {
    case .rebuildTensorV2: ("torch._utils", "_rebuild_tensor_v2")
    case .rebuildTensorV3: ("torch._utils", "_rebuild_tensor_v3")
    case .rebuildQTensor: ("torch._utils", "_rebuild_qtensor")
    case .rebuildMetaTensor:
      ("torch._utils", "_rebuild_meta_tensor_no_storage")
    case .orderedDict: ("collections", "OrderedDict")
    case .perTensorAffine: ("torch", "per_tensor_affine")
    case .perChannelAffine: ("torch", "per_channel_affine")
    case .perChannelAffineFloat:
      ("torch", "per_channel_affine_float_qparams")
    case .storage(let type): type.global
    case .dtype(let dtype): ("torch", dtype.rawValue)
    }
  }
}

/// The texts that PyTorch's own code puts into pickles of tensors.
enum TorchConstant: String, Sendable {
  case storage
  case conj
  case neg
  case version
  case metadata = "_metadata"
}
