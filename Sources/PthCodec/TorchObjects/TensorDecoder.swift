internal import Pickle
internal import Tensors

/// The tensors that one Python object stands for.
struct DecodedTensor {
  /// One tensor, or the parts of a sparse or nested one.
  enum Content {
    case dense(Tensor)
    case parts([(name: String, tensor: Tensor)])
  }

  var content: Content

  /// The pickled attributes of a parameter or subclass, if there are any.
  var attributes: PickleGraph.NodeID?

  /// The full size of a sparse tensor.
  var sparseShape: [Int]?
}

/// Makes tensors of the calls in a pickle that would make them in Python.
///
/// Nothing is called: the known rebuild functions are understood as data.
struct TensorDecoder {
  let reader: GraphReader
  var storages: StorageTable

  /// The tensors that have taken more than a glance.
  private var cache: [PickleGraph.NodeID: DecodedTensor] = [:]

  private var lists = IntegerLists()
  private var words = StorageWords()

  /// The nodes whose storages have been found.
  private var isResolved: [Bool]

  init(reader: GraphReader, storages: StorageTable) {
    self.reader = reader
    self.storages = storages
    isResolved = Array(repeating: false, count: reader.graph.nodeCount)
  }

  private var graph: PickleGraph { reader.graph }

  /// Makes room for as many tensors as a container may hold.
  mutating func reserveCapacity(_ count: Int) {
    storages.reserveCapacity(count)
  }

  /// The tensor that a node stands for.
  ///
  /// - Returns: The tensor; nil for a node that is something else.
  /// - Throws: ``CheckpointError`` with the opcode's offset for a tensor that
  ///   can't be, and what the container throws for its storage.
  mutating func tensor(
    _ id: PickleGraph.NodeID,
    depth: Int = 0
  ) throws -> DecodedTensor? {
    guard let call = reader.call(id) else { return nil }
    return try tensor(id, call, depth: depth)
  }

  /// The tensor that a node stands for, with the call that it is.
  ///
  /// - Throws: As ``tensor(_:depth:)`` does.
  mutating func tensor(
    _ id: PickleGraph.NodeID,
    _ call: (function: TorchFunction, arguments: PickleGraph.Children),
    depth: Int = 0
  ) throws -> DecodedTensor? {
    if !cache.isEmpty, let known = cache[id] { return known }
    guard depth < Self.maxDepth else {
      throw reader.fault(id, "tensors wrap tensors too deeply")
    }
    let result = try reader.locating(id) {
      try decode(
        call.function,
        Arguments(reader, call.arguments, at: id),
        id,
        depth
      )
    }
    if result != nil { try checkChanges(of: id, call.function) }
    if let result, !result.isCheap { cache[id] = result }
    return result
  }

  /// The tensor that a call of `_rebuild_tensor_v2` makes; nil where it is one
  /// that ``tensor(_:_:depth:)`` should keep.
  ///
  /// - Throws: As ``tensor(_:depth:)`` does.
  mutating func plainTensor(
    _ id: PickleGraph.NodeID,
    _ nodes: PickleGraph.Children
  ) throws -> Tensor? {
    let arguments = Arguments(reader, nodes, at: id)
    guard arguments.count == 6, !reader.isChanged(id),
      graph.children(try arguments[2]).count <= DecodedTensor.cheapRank
    else { return nil }
    return try reader.locating(id) { try dense(arguments, requiresGrad: 4) }
  }

  /// A state (BUILD) may put other data into a tensor.
  private func checkChanges(
    of id: PickleGraph.NodeID,
    _ function: TorchFunction
  ) throws(CheckpointError) {
    // An array's data are its state.
    guard function != .numpyReconstruct, reader.isChanged(id) else { return }
    throw CheckpointError(
      .unsupported,
      "the tensor is changed after it is made",
      offset: reader.offset(id)
    )
  }

  /// Finds the storages that no named tensor has.
  ///
  /// Bare ones, and those of buffers that a module does not save by name:
  /// writing needs them all.
  ///
  /// - Throws: What the container throws for a storage.
  mutating func resolveOtherStorages() throws {
    for id in graph.persistentIDs
    where !isResolved[id.index] && reader.isStorage(id) {
      _ = try reader.locating(id) { try storage(id) }
    }
  }

  // A parameter wraps a subclass wraps a tensor: more is an attack.
  private static let maxDepth = 16

  private mutating func decode(
    _ function: TorchFunction,
    _ arguments: Arguments,
    _ id: PickleGraph.NodeID,
    _ depth: Int
  ) throws -> DecodedTensor? {
    switch function {
    case .rebuildTensor:
      return try .init(dense(arguments, requiresGrad: nil))
    case .rebuildTensorV2:
      var tensor = try dense(arguments, requiresGrad: 4)
      try applyMetadata(arguments, at: 6, to: &tensor)
      return .init(tensor)
    case .rebuildTensorV3:
      let dtype = try reader.dtype(arguments[6])
      var tensor = try dense(arguments, requiresGrad: 4, dtype: dtype)
      try applyMetadata(arguments, at: 7, to: &tensor)
      return .init(tensor)
    case .rebuildQTensor:
      return try .init(quantized(arguments, depth))
    case .rebuildParameter, .rebuildParameterWithState:
      guard var result = try tensor(arguments[0], depth: depth + 1) else {
        throw reader.fault(try arguments[0], "a parameter should hold a tensor")
      }
      if case .dense(var tensor) = result.content {
        tensor.requiresGrad = try arguments.flag(1)
        result.content = .dense(tensor)
      }
      if function == .rebuildParameterWithState {
        result.attributes = try arguments[3]
      }
      return result
    case .rebuildFromType, .rebuildFromTypeV2:
      return try subclass(arguments, id, depth)
    case .rebuildSparse, .rebuildSparseCSR:
      return try sparse(arguments, depth)
    case .rebuildMeta:
      return try .init(meta(arguments))
    case .rebuildNested:
      return try nested(arguments, depth)
    case .rebuildWrapperSubclass:
      return try .init(wrapper(arguments))
    case .rebuildDeviceTensorFromNumpy, .rebuildDeviceTensorFromCPU:
      return try fromDevice(arguments, depth)
    case .numpyReconstruct, .numpyFromBuffer:
      return try NumpyDecoder(reader).array(id, function, arguments)
        .map { .init($0) }
    case .numpyScalar, .numpyDType, .size, .device, .layout, .orderedDict,
      .defaultDict,
      .counter, .encode, .complex, .set, .frozenSet, .byteArray,
      .bytes:
      return nil
    }
  }

  /// Reads `(storage, offset, size, stride, …)`.
  private mutating func dense(
    _ arguments: Arguments,
    requiresGrad: Int?,
    dtype: DType? = nil
  ) throws -> Tensor {
    let entry = try storage(arguments[0])
    let offset = try reader.integer(arguments[1], "the storage offset")
    let (start, overflow) = offset.addingReportingOverflow(entry.firstElement)
    guard !overflow else {
      throw reader.fault(try arguments[1], "the storage offset is \(offset)")
    }
    let shape = try lists.list(arguments[2], of: reader, "the size")
    let strides = try lists.list(arguments[3], of: reader, "the stride")
    let flag = try requiresGrad.map { try arguments.flag($0) } ?? false
    do {
      return try Tensor(
        dtype: dtype ?? entry.type.countedDType,
        layout: Layout(shape: shape, strides: strides, offset: start),
        storage: entry.storage,
        device: entry.location,
        requiresGrad: flag
      )
    } catch {
      throw CheckpointError(.damaged, error.description)
    }
  }

  private mutating func storage(
    _ id: PickleGraph.NodeID
  ) throws -> StorageEntry {
    let entry = try storages.resolve(reader.storageReference(id, &words))
    isResolved[id.index] = true
    return entry
  }

  /// The bits for conjugate and negative views.
  private func applyMetadata(
    _ arguments: Arguments,
    at index: Int,
    to tensor: inout Tensor
  ) throws(CheckpointError) {
    guard index < arguments.count else { return }
    let metadata = try arguments[index]
    for pair in graph.pairs(metadata) {
      switch try reader.text(pair.key, "a key of the tensor's metadata") {
      case "conj": tensor.isConjugate = graph.bool(pair.value) ?? false
      case "neg": tensor.isNegative = graph.bool(pair.value) ?? false
      case let key:
        throw CheckpointError(
          .unsupported,
          "the tensor has the unknown mark \(key)",
          offset: reader.offset(metadata)
        )
      }
    }
  }

  private mutating func quantized(
    _ arguments: Arguments,
    _ depth: Int
  ) throws -> Tensor {
    var tensor = try dense(arguments, requiresGrad: 5)
    let parameters = try Arguments(
      reader,
      graph.children(arguments[4]),
      at: arguments[4]
    )
    let scheme = try graph.global(parameters[0])
    switch (scheme?.module, scheme?.name) {
    case ("torch", "per_tensor_affine"), ("torch", "per_tensor_symmetric"):
      guard let scale = graph.float(try parameters[1]) else {
        throw reader.fault(try parameters[1], "the scale should be a number")
      }
      tensor.quantization = .perTensor(
        scale: scale,
        zeroPoint: try reader.integer(parameters[2], "the zero point")
      )
    case ("torch", "per_channel_affine"),
      ("torch", "per_channel_affine_float_qparams"),
      ("torch", "per_channel_symmetric"):
      tensor.quantization = .perChannel(
        scales: try part(parameters[1], "the scales", depth),
        zeroPoints: try part(parameters[2], "the zero points", depth),
        axis: try reader.integer(parameters[3], "the axis"),
        isFloat: scheme?.name == "per_channel_affine_float_qparams"
      )
    default:
      throw CheckpointError(
        .unsupported,
        "unknown quantization scheme \(scheme?.name ?? "")",
        offset: reader.offset(try parameters[0])
      )
    }
    return tensor
  }

  /// Reads `(function, type, arguments, state)`.
  private mutating func subclass(
    _ arguments: Arguments,
    _ id: PickleGraph.NodeID,
    _ depth: Int
  ) throws -> DecodedTensor? {
    guard let function = reader.function(try arguments[0]) else { return nil }
    guard depth < Self.maxDepth else {
      throw reader.fault(id, "tensors wrap tensors too deeply")
    }
    let inner = Arguments(
      reader,
      graph.children(try arguments[2]),
      at: try arguments[2]
    )
    var result = try decode(function, inner, id, depth + 1)
    result?.attributes = arguments.count > 3 ? try arguments[3] : nil
    return result
  }

  /// A tensor that is a part of another one.
  mutating func part(
    _ id: PickleGraph.NodeID,
    _ what: String,
    _ depth: Int
  ) throws -> Tensor {
    guard
      case .dense(let tensor) = try tensor(id, depth: depth + 1)?.content
    else { throw reader.fault(id, "\(what) should be a tensor") }
    return tensor
  }

  /// Runs `body`, with a layout's error turned into a checkpoint's.
  static func checked<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as LayoutError {
      throw CheckpointError(.damaged, error.description)
    }
  }
}

extension DecodedTensor {
  /// Whether reading it again takes no longer than keeping it: no parts, and
  /// few dimensions.
  fileprivate var isCheap: Bool {
    guard case .dense(let tensor) = content, attributes == nil else {
      return false
    }
    return tensor.quantization == nil && tensor.layout.rank <= Self.cheapRank
  }

  /// The dimensions of a tensor that takes no longer to read than to keep.
  fileprivate static var cheapRank: Int { 8 }

  init(_ tensor: Tensor) {
    self.init(content: .dense(tensor))
  }
}

/// The arguments of a call, with errors for those that are missing.
struct Arguments {
  private let reader: GraphReader
  private let nodes: PickleGraph.Children
  private let id: PickleGraph.NodeID

  init(
    _ reader: GraphReader,
    _ nodes: PickleGraph.Children,
    at id: PickleGraph.NodeID
  ) {
    self.reader = reader
    self.nodes = nodes
    self.id = id
  }

  var count: Int { nodes.count }

  subscript(index: Int) -> PickleGraph.NodeID {
    get throws(CheckpointError) {
      guard index < nodes.count else {
        throw reader.fault(
          id,
          "a tensor's call has \(nodes.count) arguments, too few"
        )
      }
      return nodes[nodes.index(nodes.startIndex, offsetBy: index)]
    }
  }

  func flag(_ index: Int) throws(CheckpointError) -> Bool {
    let node = try self[index]
    if let flag = reader.graph.bool(node) { return flag }
    if let number = reader.graph.int(node) { return number != 0 }
    throw reader.fault(node, "requires_grad should be a truth value")
  }
}
