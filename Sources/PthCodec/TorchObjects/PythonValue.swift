internal import OrderedCollections
internal import Pickle
public import Tensors

/// A Python object to be written: values, containers and tensors.
///
/// It is how a program builds a checkpoint that is more than a state dict:
///
/// ```swift
/// let checkpoint = try Checkpoint(
///   .dict([
///     (.string("epoch"), .int(3)),
///     (.string("model"), .stateDict(model.stateDict())),
///   ])
/// )
/// ```
public indirect enum PythonValue: Sendable {
  /// `None`.
  case none
  /// A truth value.
  case bool(Bool)
  /// An integer.
  case int(Int)
  /// A floating-point number.
  case float(Double)
  /// Text.
  case string(String)
  /// A tensor.
  case tensor(Tensor)
  /// A list.
  case list([PythonValue])
  /// A tuple.
  case tuple([PythonValue])
  /// A dict, in the order of its items; keys can be hashed in Python.
  case dict([(key: PythonValue, value: PythonValue)])
  /// An OrderedDict of tensors with its `_metadata`.
  case stateDict(StateDict)
}

extension PythonValue {
  /// The number that an integer, a float or a tensor of one element is; nil
  /// for another value.
  public var number: Double? {
    switch self {
    case .int(let number): Double(number)
    case .float(let number): number
    case .tensor(let tensor) where tensor.elementCount == 1:
      try? tensor.converted(to: .float64).elements(as: Double.self).first
    default: nil
    }
  }

  /// The tensor; nil for another value.
  public var tensor: Tensor? {
    if case .tensor(let tensor) = self { tensor } else { nil }
  }
}

extension Checkpoint {
  /// Makes a checkpoint of any object.
  ///
  /// - Parameter value: The object.
  /// - Throws: ``CheckpointError`` for tensors that no pickle can hold.
  public init(_ value: PythonValue) throws {
    var builder = GraphBuilder()
    builder.setRoot(try builder.add(value))
    try self.init(walking: builder.content(), as: .pytorchZip)
  }
}

extension GraphBuilder {
  /// The graph and its storages by key.
  func content() -> PickledContent {
    var entries: OrderedDictionary<String, StorageEntry> = [:]
    for (index, storage) in storages.enumerated() {
      entries[String(index)] = StorageEntry(
        type: .untyped,
        location: "cpu",
        storage: storage
      )
    }
    return PickledContent(
      graph: graph,
      storages: entries,
      tensorNodes: [:],
      archive: nil
    )
  }

  /// Adds a value and what it holds.
  fileprivate mutating func add(
    _ value: PythonValue
  ) throws -> PickleGraph.NodeID {
    switch value {
    case .none: return graph.addNone()
    case .bool(let flag): return graph.addBool(flag)
    case .int(let number): return graph.addInt(number)
    case .float(let number): return graph.addFloat(number)
    case .string(let text): return constant(text)
    case .tensor(let tensor): return self.tensor(tensor)
    case .list(let elements):
      var nodes: [PickleGraph.NodeID] = []
      for element in elements { nodes.append(try add(element)) }
      return graph.addList(nodes)
    case .tuple(let elements):
      var nodes: [PickleGraph.NodeID] = []
      for element in elements { nodes.append(try add(element)) }
      return graph.addTuple(nodes)
    case .dict(let items):
      let dict = graph.addDict()
      var pairs: [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)] = []
      for item in items {
        pairs.append((try add(item.key), try add(item.value)))
      }
      graph.setPairs(pairs, of: dict)
      return dict
    case .stateDict(let stateDict):
      return self.stateDict(
        stateDict.tensors,
        moduleVersions: stateDict.moduleVersions
      )
    }
  }
}
