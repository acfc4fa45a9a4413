internal import Pickle
internal import Tensors

/// Reads Python values out of a pickle's graph, with errors that say where.
///
/// A class, because every step of a walk passes it on.
final class GraphReader: Sendable {
  let graph: PickleGraph

  /// The known function of each global of the graph.
  private let functions: [TorchFunction?]

  /// The storage type of each global of the graph.
  private let storageTypes: [StorageType?]

  /// For each node whether it is changed after it is made; nil where few are
  /// asked about.
  private let changes: [Bool]?

  /// Makes a reader.
  ///
  /// - Parameters:
  ///   - graph: The graph.
  ///   - readsAll: Whether all nodes will be read, so that it pays to look
  ///     through them first.
  init(_ graph: PickleGraph, readsAll: Bool = false) {
    self.graph = graph
    changes = readsAll ? graph.changeFlags : nil
    functions = graph.globalNames.map {
      TorchFunction(module: $0.module, name: $0.name)
    }
    storageTypes = graph.globalNames.map {
      StorageType(module: $0.module, name: $0.name)
    }
  }

  /// Whether an object, storage or class is changed after it is made.
  func isChanged(_ id: PickleGraph.NodeID) -> Bool {
    guard let changes else { return graph.hasChanges(id) }
    return changes.indices.contains(id.index) && changes[id.index]
  }

  /// The known function that a global node names.
  func function(_ id: PickleGraph.NodeID) -> TorchFunction? {
    graph.globalNumber(id).flatMap { functions[$0] }
  }

  /// The storage type that a global node names.
  func storageType(_ id: PickleGraph.NodeID) -> StorageType? {
    if let number = graph.globalNumber(id) { return storageTypes[number] }
    return graph.global(id).flatMap {
      StorageType(module: $0.module, name: $0.name)
    }
  }

  /// The known function that an object node calls, with its arguments.
  func call(
    _ id: PickleGraph.NodeID
  ) -> (function: TorchFunction, arguments: PickleGraph.Children)? {
    guard
      let call = graph.call(id), call.construction == .reduce,
      let function = function(call.callable),
      graph.kind(call.arguments) == .tuple
    else { return nil }
    return (function, graph.children(call.arguments))
  }

  func integer(
    _ id: PickleGraph.NodeID,
    _ what: @autoclosure () -> String
  ) throws(CheckpointError) -> Int {
    if let number = graph.int(id) { return number }
    throw fault(id, "\(what()) should be an integer")
  }

  /// Sizes or strides: a tuple, a list or a `torch.Size` of integers.
  func integers(
    _ id: PickleGraph.NodeID,
    _ what: @autoclosure () -> String
  ) throws(CheckpointError) -> [Int] {
    var numbers: [Int] = []
    try appendIntegers(of: id, to: &numbers, what())
    return numbers
  }

  /// Appends sizes or strides; see ``integers(_:_:)``.
  func appendIntegers(
    of id: PickleGraph.NodeID,
    to numbers: inout [Int],
    _ what: @autoclosure () -> String
  ) throws(CheckpointError) {
    var list = id
    if graph.kind(id) == .object, let call = call(id), call.function == .size,
      let first = call.arguments.first
    {
      list = first
    }
    switch graph.kind(list) {
    case .tuple, .list:
      if let other = graph.appendIntegers(of: list, to: &numbers) {
        throw fault(other, "\(what()) should be integers")
      }
    default:
      throw fault(id, "\(what()) should be a tuple of integers")
    }
  }

  /// Refuses an object that is given a state twice: what the second one does to
  /// the first is up to each class.
  func checkStates(of id: PickleGraph.NodeID) throws(CheckpointError) {
    guard isChanged(id), graph.hasSeveralStates(id) else { return }
    throw CheckpointError(
      .unsupported,
      "the object is given a state (BUILD) more than once",
      offset: offset(id)
    )
  }

  func text(
    _ id: PickleGraph.NodeID,
    _ what: @autoclosure () -> String
  ) throws(CheckpointError) -> String {
    if let text = graph.string(id) { return text }
    throw fault(id, "\(what()) should be text")
  }

  /// The dtype that a global such as `torch float8_e4m3fn` names.
  func dtype(_ id: PickleGraph.NodeID) throws(CheckpointError) -> DType {
    guard
      let global = graph.global(id), global.module == "torch",
      let dtype = DType(torchName: global.name)
    else {
      let name = graph.global(id).map { "\($0.module).\($0.name)" }
      throw CheckpointError(
        .unsupported,
        "\(name ?? "\(graph.kind(id))") is no dtype of torch 2.13",
        offset: offset(id)
      )
    }
    return dtype
  }

  /// Bytes: a bytes object, or text that `_codecs.encode` makes into bytes.
  func bytes(_ id: PickleGraph.NodeID) -> [UInt8]? {
    if let bytes = graph.bytes(id) { return bytes }
    guard let call = call(id) else { return nil }
    // Before protocol 3, empty bytes are a call without arguments.
    if call.function == .bytes, call.arguments.isEmpty { return [] }
    guard call.function == .encode, let first = call.arguments.first else {
      return nil
    }
    return graph.string(first).flatMap(latin1)
  }

  /// Runs `body`; its errors that say no offset get that of a node's opcode.
  @inline(__always)
  func locating<Result>(
    _ id: PickleGraph.NodeID,
    _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch var error as CheckpointError {
      error.offset = error.offset ?? offset(id)
      throw error
    }
  }

  /// An error at the opcode that made a node.
  func fault(_ id: PickleGraph.NodeID, _ message: String) -> CheckpointError {
    CheckpointError(.damaged, message, offset: offset(id))
  }

  func offset(_ id: PickleGraph.NodeID) -> Int? {
    let offset = graph.offset(id)
    return offset >= 0 ? offset : nil
  }
}
