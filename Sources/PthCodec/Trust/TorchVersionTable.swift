/// A version of PyTorch that a file is checked for.
public enum TorchTarget: String, Sendable, Hashable, CaseIterable {
  /// torch 1.13.
  case torch1 = "torch-1.13"
  /// torch 2.13.
  case torch2 = "torch-2.13"
}

/// What each version of PyTorch has and lets through.
///
/// Source: `torch/_weights_only_unpickler.py`, `torch/_utils.py` and the
/// attributes of the module `torch` of both versions.
struct TorchVersionTable: Sendable {
  /// The opcodes of the weights-only unpickler, by `pickletools`' names.
  let weightsOnlyOpcodes: Set<String>
  private let weightsOnlyGlobals: Set<String>
  private let mapsPython2: Bool
  /// What torch has that the other version does not, or may not have: names
  /// in the modules that tensors are rebuilt with.
  let rebuilders: Set<String>
  /// The dtypes in the module `torch`.
  let dtypes: Set<String>

  init(_ target: TorchTarget) {
    let isNew = target == .torch2
    mapsPython2 = isNew
    weightsOnlyOpcodes = Self.opcodes.union(isNew ? ["BINFLOAT"] : [])
    dtypes = Self.words(
      isNew ? Self.dtypes1 + " " + Self.dtypes2 : Self.dtypes1
    )
    rebuilders = Self.words(
      Self.rebuilders + " " + (isNew ? Self.rebuilders2 : Self.rebuilders1)
    )
    var globals = Self.words(isNew ? Self.globals2 : Self.globals1)
    for module in ["torch", "torch.cuda"] {
      for type in Self.storageTypes {
        globals.insert("\(module).\(type)Storage")
      }
    }
    for type in Self.quantizedTypes { globals.insert("torch.\(type)Storage") }
    for module in ["torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse"] {
      for type in Self.tensorTypes {
        let hasBool = !module.hasSuffix("sparse")
        if type != "Bool" || hasBool {
          globals.insert("\(module).\(type)Tensor")
        }
      }
    }
    weightsOnlyGlobals = globals
  }

  /// Whether the weights-only unpickler lets a global through, by its module
  /// and name joined by a dot.
  func letsThrough(_ name: String) -> Bool {
    let python2 = "__builtin__."
    guard mapsPython2, name.hasPrefix(python2) else {
      return weightsOnlyGlobals.contains(name)
    }
    return weightsOnlyGlobals.contains(
      "builtins." + name.dropFirst(python2.count)
    )
  }

  /// The classes of `torch.nn.modules` that torch 2 has and 1.13 has not.
  static let newModules = words(
    "LinearCrossEntropyLoss RMSNorm CircularPad1d CircularPad2d CircularPad3d "
      + "ZeroPad1d ZeroPad3d _CircularPadNd LPPool3d"
  )

  private static func words(_ text: String) -> Set<String> {
    Set(text.split(separator: " ").map(String.init))
  }

  private static let opcodes = words(
    "GLOBAL NEWOBJ REDUCE BUILD APPEND APPENDS SETITEM SETITEMS MARK TUPLE "
      + "TUPLE1 TUPLE2 TUPLE3 NONE NEWFALSE NEWTRUE EMPTY_TUPLE EMPTY_LIST "
      + "EMPTY_DICT EMPTY_SET BININT BININT1 BININT2 BINUNICODE "
      + "SHORT_BINSTRING BINPERSID BINGET LONG_BINGET BINPUT LONG_BINPUT LONG1 "
      + "PROTO STOP"
  )

  private static let storageTypes = [
    "BFloat16", "Bool", "Byte", "Char", "ComplexDouble", "ComplexFloat",
    "Double", "Float", "Half", "Int", "Long", "Short",
  ]

  private static let quantizedTypes = [
    "QInt32", "QInt8", "QUInt2x4", "QUInt4x2", "QUInt8",
  ]

  private static let tensorTypes = [
    "BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int",
    "Long", "Short",
  ]

  private static let globals1 =
    "collections.OrderedDict torch.Size torch.Tensor torch.complex128 "
    + "torch.complex32 torch.complex64 torch.float16 torch.float32 "
    + "torch.float64 torch.int16 torch.int32 torch.int64 torch.int8 "
    + "torch._utils._rebuild_meta_tensor_no_storage "
    + "torch._utils._rebuild_parameter "
    + "torch._utils._rebuild_sparse_csr_tensor "
    + "torch._utils._rebuild_sparse_tensor torch._utils._rebuild_tensor "
    + "torch._utils._rebuild_tensor_v2 torch.nn.parameter.Parameter "
    + "torch.serialization._get_layout torch.storage.TypedStorage "
    + "torch.storage.UntypedStorage"

  private static let globals2 =
    "_codecs.encode builtins.bytearray builtins.complex builtins.set "
    + "collections.Counter collections.OrderedDict torch.Size torch.Tensor "
    + "torch.bfloat16 torch.bits16 torch.bits1x8 torch.bits2x4 torch.bits4x2 "
    + "torch.bits8 torch.bool torch.complex128 torch.complex32 "
    + "torch.complex64 torch.device torch.float16 torch.float32 "
    + "torch.float4_e2m1fn_x2 torch.float64 torch.float8_e4m3fn "
    + "torch.float8_e4m3fnuz torch.float8_e5m2 torch.float8_e5m2fnuz "
    + "torch.float8_e8m0fnu torch.int1 torch.int16 torch.int2 torch.int3 "
    + "torch.int32 torch.int4 torch.int5 torch.int6 torch.int64 torch.int7 "
    + "torch.int8 torch.per_channel_affine "
    + "torch.per_channel_affine_float_qparams torch.per_channel_symmetric "
    + "torch.per_tensor_affine torch.per_tensor_symmetric torch.qint32 "
    + "torch.qint8 torch.quint2x4 torch.quint4x2 torch.quint8 torch.uint1 "
    + "torch.uint16 torch.uint2 torch.uint3 torch.uint32 torch.uint4 "
    + "torch.uint5 torch.uint6 torch.uint64 torch.uint7 torch.uint8 "
    + "torch._tensor._rebuild_from_type_v2 "
    + "torch._utils._rebuild_device_tensor_from_cpu_tensor "
    + "torch._utils._rebuild_device_tensor_from_numpy "
    + "torch._utils._rebuild_meta_tensor_no_storage "
    + "torch._utils._rebuild_nested_tensor torch._utils._rebuild_parameter "
    + "torch._utils._rebuild_parameter_with_state "
    + "torch._utils._rebuild_qtensor torch._utils._rebuild_sparse_tensor "
    + "torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2 "
    + "torch._utils._rebuild_tensor_v3 torch._utils._rebuild_wrapper_subclass "
    + "torch.nn.parameter.Parameter torch.serialization._get_layout "
    + "torch.storage.TypedStorage torch.storage.UntypedStorage"

  private static let rebuilders =
    "_rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage "
    + "_rebuild_parameter _rebuild_qtensor _rebuild_sparse_tensor "
    + "_rebuild_tensor _rebuild_tensor_v2 _rebuild_wrapper_subclass "
    + "_rebuild_xla_tensor"
  private static let rebuilders1 = "_rebuild_sparse_csr_tensor"
  private static let rebuilders2 =
    "_rebuild_device_tensor_from_cpu_tensor _rebuild_nested_tensor "
    + "_rebuild_parameter_with_state _rebuild_tensor_v3"

  private static let dtypes1 =
    "bfloat16 bool cdouble cfloat chalf complex128 complex32 complex64 double "
    + "float float16 float32 float64 half int int16 int32 int64 int8 long "
    + "qint32 qint8 quint2x4 quint4x2 quint8 short uint8"
  private static let dtypes2 =
    "bit bits16 bits1x8 bits2x4 bits4x2 bits8 float4_e2m1fn_x2 float8_e4m3fn "
    + "float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu int1 int2 "
    + "int3 int4 int5 int6 int7 uint1 uint16 uint2 uint3 uint32 uint4 uint5 "
    + "uint6 uint64 uint7"
}
