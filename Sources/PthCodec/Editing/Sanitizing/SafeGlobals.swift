internal import Tensors

/// What `torch.load(weights_only=True)` of torch 2.13 lets a pickle name.
///
/// Source: `_get_allowed_globals` in `torch/_weights_only_unpickler.py`.
enum SafeGlobals {
  /// Whether a class, function or constant is let through.
  static func contains(module: String, name: String) -> Bool {
    if names[module]?.contains(name) == true { return true }
    if StorageType(module: module, name: name) != nil { return true }
    switch module {
    case "torch", "torch.cuda":
      return DType(torchName: name) != nil || tensorTypes.contains(name)
        || schemes.contains(name)
    case "torch.storage": return name == "TypedStorage"
    default: return false
    }
  }

  private static let names: [String: Set<String>] = [
    "collections": ["OrderedDict", "Counter"],
    "torch.nn.parameter": ["Parameter"],
    "torch.serialization": ["_get_layout"],
    "torch": ["Size", "Tensor", "device"],
    "_codecs": ["encode"],
    "builtins": ["bytearray", "set", "complex"],
    "__builtin__": ["bytearray", "set", "complex"],
    "torch._tensor": ["_rebuild_from_type_v2"],
    "torch._utils": [
      "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3",
      "_rebuild_parameter", "_rebuild_parameter_with_state",
      "_rebuild_qtensor", "_rebuild_sparse_tensor",
      "_rebuild_meta_tensor_no_storage", "_rebuild_nested_tensor",
      "_rebuild_wrapper_subclass", "_rebuild_device_tensor_from_numpy",
      "_rebuild_device_tensor_from_cpu_tensor",
    ],
  ]

  private static let tensorTypes: Set<String> = [
    "DoubleTensor", "FloatTensor", "HalfTensor", "BFloat16Tensor",
    "LongTensor", "IntTensor", "ShortTensor", "CharTensor", "ByteTensor",
    "BoolTensor",
  ]

  private static let schemes: Set<String> = [
    "per_tensor_affine", "per_channel_affine", "per_tensor_symmetric",
    "per_channel_symmetric", "per_channel_affine_float_qparams",
  ]
}
