/// The functions and classes that make a tensor, as pickles name them.
///
/// Source: `torch/_utils.py`, `torch/_tensor.py`, `torch/nn/parameter.py` of
/// torch 1.13 and 2.13; the older names from torch 0.1 to 0.4.
enum TorchFunction: Hashable, Sendable {
  case rebuildTensor
  case rebuildTensorV2
  case rebuildTensorV3
  case rebuildQTensor
  case rebuildParameter
  case rebuildParameterWithState
  case rebuildFromType
  case rebuildFromTypeV2
  case rebuildSparse
  case rebuildSparseCSR
  case rebuildMeta
  case rebuildNested
  case rebuildWrapperSubclass
  case rebuildDeviceTensorFromNumpy
  case rebuildDeviceTensorFromCPU
  case numpyReconstruct
  case numpyScalar
  case numpyFromBuffer
  case numpyDType
  case size
  case device
  case layout
  case orderedDict
  case defaultDict
  case counter
  case encode
  case complex
  case set
  case frozenSet
  case byteArray
  case bytes

  init?(module: String, name: String) {
    guard let function = Self.table[module]?[name] else { return nil }
    self = function
  }

  private static let numpyMultiarray: [String: TorchFunction] = [
    "_reconstruct": .numpyReconstruct, "scalar": .numpyScalar,
  ]

  private static let numpyNumeric: [String: TorchFunction] = [
    "_frombuffer": .numpyFromBuffer
  ]

  private static let builtins: [String: TorchFunction] = [
    "complex": .complex, "set": .set, "frozenset": .frozenSet,
    "bytearray": .byteArray, "bytes": .bytes,
  ]

  private static let table: [String: [String: TorchFunction]] = [
    "torch._utils": [
      "_rebuild_tensor": .rebuildTensor,
      "_rebuild_tensor_v2": .rebuildTensorV2,
      "_rebuild_tensor_v3": .rebuildTensorV3,
      "_rebuild_qtensor": .rebuildQTensor,
      "_rebuild_parameter": .rebuildParameter,
      "_rebuild_parameter_with_state": .rebuildParameterWithState,
      "_rebuild_sparse_tensor": .rebuildSparse,
      "_rebuild_sparse_csr_tensor": .rebuildSparseCSR,
      "_rebuild_meta_tensor_no_storage": .rebuildMeta,
      "_rebuild_nested_tensor": .rebuildNested,
      "_rebuild_wrapper_subclass": .rebuildWrapperSubclass,
      "_rebuild_device_tensor_from_numpy": .rebuildDeviceTensorFromNumpy,
      "_rebuild_device_tensor_from_cpu_tensor": .rebuildDeviceTensorFromCPU,
    ],
    "torch._tensor": [
      "_rebuild_from_type": .rebuildFromType,
      "_rebuild_from_type_v2": .rebuildFromTypeV2,
    ],
    "torch.tensor": ["_rebuild_from_type": .rebuildFromType],
    "torch": ["Size": .size, "device": .device],
    "torch.serialization": ["_get_layout": .layout],
    "numpy": ["dtype": .numpyDType],
    "numpy.core.multiarray": numpyMultiarray,
    "numpy._core.multiarray": numpyMultiarray,
    "numpy.core.numeric": numpyNumeric,
    "numpy._core.numeric": numpyNumeric,
    "collections": [
      "OrderedDict": .orderedDict, "defaultdict": .defaultDict,
      "Counter": .counter,
    ],
    "_codecs": ["encode": .encode],
    "builtins": builtins,
    "__builtin__": builtins,
  ]
}
