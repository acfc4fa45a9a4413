/// What is known of the functions and classes that pickles name.
///
/// One line a module, `module: name name …`; `*` stands for every name. A
/// module with a `+` behind means everything below it too. Names are those of
/// Python 3 and of Python 2.
enum GlobalTable {
  /// What only builds data.
  ///
  /// A name with a dot is an attribute, an enumeration's case, that Python
  /// fetches by `getattr`; no other name covers it.
  ///
  /// Source: `torch/_weights_only_unpickler.py` of torch 1.13 and 2.13, and
  /// the functions that numpy and Python's own library name in their
  /// `__reduce__` methods.
  static let safe = """
    collections: OrderedDict defaultdict Counter deque
    builtins: set frozenset list tuple dict int float complex str bool bytes \
    bytearray slice range object Ellipsis NotImplemented
    __builtin__: set frozenset list tuple dict int long float complex str \
    unicode bool bytes bytearray slice xrange object Ellipsis NotImplemented
    copyreg: _reconstructor __newobj__
    copy_reg: _reconstructor __newobj__
    _codecs: encode
    datetime: datetime date time timedelta timezone
    decimal: Decimal
    fractions: Fraction
    uuid: UUID SafeUUID
    pathlib: Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath
    pathlib._local: Path PosixPath WindowsPath PurePath PurePosixPath \
    PureWindowsPath
    argparse: Namespace
    types: SimpleNamespace
    torch: Size Tensor device Generator strided sparse_coo sparse_csr \
    sparse_csc sparse_bsr sparse_bsc _mkldnn jagged contiguous_format \
    channels_last channels_last_3d preserve_format per_tensor_affine \
    per_tensor_symmetric per_channel_affine per_channel_symmetric \
    per_channel_affine_float_qparams
    torch.nn.parameter: Parameter Buffer UninitializedParameter \
    UninitializedBuffer
    torch.serialization: _get_layout
    torch._tensor: _rebuild_from_type _rebuild_from_type_v2
    torch.tensor: _rebuild_from_type
    torch._utils: _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 \
    _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor \
    _rebuild_sparse_tensor _rebuild_sparse_csr_tensor \
    _rebuild_meta_tensor_no_storage _rebuild_nested_tensor \
    _rebuild_wrapper_subclass _rebuild_device_tensor_from_numpy \
    _rebuild_device_tensor_from_cpu_tensor _rebuild_xla_tensor
    torch.storage: TypedStorage UntypedStorage _TypedStorage _UntypedStorage
    torch.torch_version: TorchVersion
    torch.jit._pickle: build_intlist build_tensorlist build_doublelist \
    build_boollist build_tensor_from_id restore_type_tag
    torch.distributed.checkpoint.metadata: Metadata TensorStorageMetadata \
    BytesStorageMetadata ChunkStorageMetadata TensorProperties MetadataIndex \
    StorageMeta _MEM_FORMAT_ENCODING \
    _MEM_FORMAT_ENCODING.TORCH_CONTIGUOUS_FORMAT \
    _MEM_FORMAT_ENCODING.TORCH_CHANNELS_LAST \
    _MEM_FORMAT_ENCODING.TORCH_PRESERVE_FORMAT
    torch.distributed.checkpoint.filesystem: _StorageInfo _StoragePrefix
    torch._dynamo.decorators: _DimRange
    torch.nested._internal.nested_tensor: NestedTensor _rebuild_njt
    __torch__+: *
    numpy: ndarray dtype bool_ bool int8 int16 int32 int64 uint8 uint16 \
    uint32 uint64 intc uintc longlong ulonglong float16 float32 float64 \
    longdouble complex64 complex128 clongdouble str_ bytes_ void object_ \
    datetime64 timedelta64
    numpy.core.multiarray: _reconstruct scalar
    numpy._core.multiarray: _reconstruct scalar
    numpy.core.numeric: _frombuffer
    numpy._core.numeric: _frombuffer
    numpy.dtypes: BoolDType ByteDType UByteDType ShortDType UShortDType \
    IntDType UIntDType LongDType ULongDType LongLongDType ULongLongDType \
    Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType \
    UInt32DType UInt64DType Float16DType Float32DType Float64DType \
    LongDoubleDType Complex64DType Complex128DType CLongDoubleDType \
    ObjectDType BytesDType StrDType VoidDType DateTime64DType \
    TimeDelta64DType StringDType
    numpy.ma.core: _mareconstruct MaskedArray
    numpy.random: __RandomState_ctor __generator_ctor __bit_generator_ctor
    numpy.random._pickle: __randomstate_ctor __generator_ctor \
    __bit_generator_ctor
    numpy.random._mt19937: MT19937
    numpy.random._pcg64: PCG64 PCG64DXSM
    numpy.random._philox: Philox
    numpy.random._sfc64: SFC64
    numpy.random.bit_generator: SeedSequence __pyx_unpickle_SeedSequence
    """

  /// What of these gives out things that the whole program shares: what it was
  /// given, a class too, or an enumeration's case.
  ///
  /// They are safe where a pickle calls them itself and does not fill what they
  /// give.
  static let shared = """
    torch.jit._pickle: build_intlist build_tensorlist build_doublelist \
    build_boollist build_tensor_from_id restore_type_tag
    torch.serialization: _get_layout
    torch.distributed.checkpoint.metadata: _MEM_FORMAT_ENCODING
    numpy.core.multiarray: scalar
    numpy._core.multiarray: scalar
    uuid: SafeUUID
    """

  /// What runs programs or code, reads or writes files, opens connections,
  /// or gets at anything by its name.
  static let dangerous = """
    os+: *
    posix: *
    nt: *
    posixpath: *
    ntpath: *
    subprocess: *
    _posixsubprocess: *
    commands: *
    popen2: *
    sys: *
    builtins: eval exec compile open getattr setattr delattr hasattr \
    __import__ globals locals vars dir input breakpoint exit quit help type \
    super property staticmethod classmethod map filter iter next memoryview \
    apply execfile file reload raw_input __build_class__ __dict__
    __builtin__: eval exec compile open getattr setattr delattr hasattr \
    __import__ globals locals vars dir input breakpoint exit quit help type \
    super property staticmethod classmethod map filter iter next memoryview \
    apply execfile file reload raw_input __dict__
    importlib+: *
    imp: *
    runpy: *
    shutil: *
    socket: *
    _socket: *
    socketserver: *
    SocketServer: *
    ssl: *
    select: *
    selectors: *
    ctypes+: *
    _ctypes: *
    cffi+: *
    pickle: *
    _pickle: *
    cPickle: *
    pickletools: *
    dill+: *
    cloudpickle+: *
    joblib+: *
    jsonpickle+: *
    shelve: *
    dbm+: *
    sqlite3+: *
    marshal: *
    webbrowser: *
    antigravity: *
    pty: *
    tty: *
    code: *
    codeop: *
    timeit: *
    cProfile: *
    profile: *
    pstats: *
    trace: *
    tracemalloc: *
    pdb: *
    bdb: *
    doctest: *
    unittest+: *
    test+: *
    pydoc: *
    inspect: *
    linecache: *
    gc: *
    atexit: *
    weakref: *
    signal: *
    resource: *
    fcntl: *
    mmap: *
    threading: *
    _thread: *
    thread: *
    multiprocessing+: *
    concurrent+: *
    asyncio+: *
    sched: *
    queue: *
    platform: *
    site: *
    sysconfig: *
    ensurepip+: *
    venv+: *
    pip+: *
    _pip+: *
    setuptools+: *
    pkg_resources+: *
    distutils+: *
    pkgutil: *
    zipimport: *
    zipapp: *
    zipfile+: *
    tarfile: *
    tempfile: *
    fileinput: *
    filecmp: *
    glob: *
    io: *
    _io: *
    codecs: open EncodedFile StreamReaderWriter
    http+: *
    httplib: *
    urllib+: *
    urllib2: *
    requests+: *
    urllib3+: *
    aiohttp+: *
    httpx+: *
    ftplib: *
    smtplib: *
    poplib: *
    imaplib: *
    nntplib: *
    telnetlib: *
    xmlrpc+: *
    xmlrpclib: *
    wsgiref+: *
    logging: FileHandler basicConfig
    logging.config: *
    logging.handlers: *
    tkinter+: *
    idlelib+: *
    lib2to3+: *
    turtle: *
    curses+: *
    readline: *
    cmd: *
    types: FunctionType LambdaType CodeType MethodType BuiltinFunctionType \
    ModuleType GeneratorType CoroutineType new_class resolve_bases \
    prepare_class
    new: *
    functools: partial partialmethod reduce singledispatch cached_property \
    lru_cache wraps update_wrapper
    _functools: partial reduce
    operator: attrgetter methodcaller itemgetter call setitem delitem
    _operator: attrgetter methodcaller itemgetter call setitem delitem
    itertools: starmap accumulate
    contextlib: *
    ast: *
    symtable: *
    dis: *
    opcode: *
    IPython+: *
    ipykernel+: *
    jupyter_client+: *
    nbconvert+: *
    fire+: *
    invoke+: *
    fabric+: *
    paramiko+: *
    sh: *
    pexpect+: *
    psutil+: *
    git+: *
    docker+: *
    yaml+: *
    jinja2+: *
    mako+: *
    numba+: *
    sympy+: *
    numexpr+: *
    asteval+: *
    pandas: read_pickle eval read_csv read_json read_html read_sql
    pandas.io+: *
    torch: load save compile import_ir_module
    torch.serialization: load save _load _legacy_load _legacy_save _save \
    add_safe_globals
    torch.storage: _load_from_bytes
    torch.hub: *
    torch.jit: load save script trace export
    torch.jit._serialization: *
    torch.jit._script: *
    torch.jit.unsupported_tensor_ops: *
    torch.package+: *
    torch.export+: *
    torch.fx+: *
    torch.onnx+: *
    torch.compiler+: *
    torch.nn.modules.module: register_module_buffer_registration_hook \
    register_module_module_registration_hook \
    register_module_parameter_registration_hook register_module_forward_hook \
    register_module_forward_pre_hook register_module_backward_hook \
    register_module_full_backward_hook register_module_full_backward_pre_hook
    torch._dynamo+: *
    torch._inductor+: *
    torch._functorch+: *
    torch._C+: *
    torch._ops+: *
    torch.ops+: *
    torch._classes+: *
    torch.classes+: *
    torch._utils_internal: *
    torch._jit_internal: *
    torch._lobpcg: *
    torch._sources: *
    torch.multiprocessing+: *
    torch.distributed.rpc+: *
    torch.distributed.run: *
    torch.distributed.launch: *
    torch.distributed.launcher+: *
    torch.distributed.elastic+: *
    torch.distributed.distributed_c10d: *
    torch.testing+: *
    torch.profiler+: *
    torch.autograd.profiler: *
    torch.utils.cpp_extension: *
    torch.utils.model_zoo: *
    torch.utils.collect_env: *
    torch.utils.data+: *
    torch.utils.tensorboard+: *
    torch.utils.bottleneck+: *
    torch.utils.benchmark+: *
    torch.utils._config_module: *
    torch.utils.hipify+: *
    torch.utils.file_baton: *
    torch.utils.show_pickle: *
    torch.utils.dlpack: *
    torch.utils.checkpoint: *
    torch.utils.hooks: *
    torch._appdirs: *
    torch._tensor_str: *
    torch.cuda: jiterator
    numpy: load save savez savez_compressed fromfile memmap genfromtxt \
    loadtxt savetxt fromregex DataSource fromfunction frompyfunc vectorize \
    apply_along_axis piecewise
    numpy.dtypes: _add_dtype_helper
    numpy.f2py+: *
    numpy.distutils+: *
    numpy.testing+: *
    numpy.ctypeslib+: *
    numpy.lib+: *
    numpy.core.records: fromfile
    numpy._core.records: fromfile
    numpy.core.multiarray: fromfile
    numpy._core.multiarray: fromfile
    numpy.compat+: *
    tensorflow+: *
    keras+: *
    """
}
