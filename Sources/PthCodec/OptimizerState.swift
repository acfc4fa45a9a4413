public import OrderedCollections
internal import Pickle

/// What `state_dict()` of a `torch.optim.Optimizer` gives: what it keeps of
/// each parameter, and the settings of its groups.
///
/// PyTorch numbers the parameters in the order in which the optimizer was given
/// them. Beside a Swift model they have the model's names, and their averages
/// are a model of the same type: ``values(_:like:keys:)`` and
/// ``set(_:to:keys:)``.
public struct OptimizerState: Sendable {
  /// How a state dict names a parameter.
  public enum ParameterID: Sendable, Hashable, CustomStringConvertible {
    /// By its place in the list that the optimizer was given, from 0.
    case number(Int)
    /// By its key in the model, as `torch.distributed.checkpoint` does.
    case key(String)

    /// The number or the key.
    public var description: String {
      switch self {
      case .number(let number): String(number)
      case .key(let key): key
      }
    }
  }

  /// Values by name, in PyTorch's order.
  public typealias Values = OrderedDictionary<String, PythonValue>

  /// One of `param_groups`: parameters with settings of their own.
  public struct Group: Sendable {
    /// The group's parameters.
    public var parameters: [ParameterID]

    /// The settings, such as `lr`: all of the group but `params`.
    public var options: Values

    /// Makes a group.
    ///
    /// - Parameters:
    ///   - parameters: The group's parameters.
    ///   - options: The settings by name.
    public init(parameters: [ParameterID], options: Values) {
      self.parameters = parameters
      self.options = options
    }
  }

  /// What the optimizer keeps of each parameter, such as `exp_avg`; empty
  /// before the first step.
  public var parameters: OrderedDictionary<ParameterID, Values>

  /// The groups.
  public var groups: [Group]

  /// Makes a state.
  ///
  /// - Parameters:
  ///   - parameters: What the optimizer keeps of each parameter.
  ///   - groups: The groups.
  public init(
    parameters: OrderedDictionary<ParameterID, Values> = [:],
    groups: [Group]
  ) {
    self.parameters = parameters
    self.groups = groups
  }

  /// Reads a state out of a checkpoint.
  ///
  /// - Parameters:
  ///   - checkpoint: A file that PyTorch or this package wrote.
  ///   - path: Where in its object the state is, such as `optimizer`; empty
  ///     for the whole object.
  /// - Throws: ``CheckpointError`` with the path of what is missing or of
  ///   another type.
  public init(_ checkpoint: Checkpoint, at path: String = "") throws {
    let part = path.isEmpty ? checkpoint : try checkpoint.part(path)
    guard let reader = try PythonValueReader(part) else {
      throw CheckpointError(
        .mismatch,
        "the file has no Python object, which an optimizer's state is",
        file: checkpoint.path
      )
    }
    do {
      try self.init(reader, path.isEmpty ? "" : path + ".")
    } catch {
      throw error.located(file: checkpoint.path)
    }
  }

  private init(
    _ reader: PythonValueReader,
    _ prefix: String
  ) throws(CheckpointError) {
    parameters = [:]
    groups = []
    var found: [String: PickleGraph.NodeID] = [:]
    let path = String(prefix.dropLast())
    for pair in try reader.items(of: reader.root, path) {
      found[try reader.text(pair.key, path)] = pair.value
    }
    guard let state = found["state"], let list = found["param_groups"] else {
      throw CheckpointError(
        .mismatch,
        "the object has no state and param_groups, as an optimizer's has",
        keyPath: path
      )
    }
    for pair in try reader.items(of: state, prefix + "state") {
      let id = try Self.parameter(pair.key, reader, prefix + "state")
      parameters[id] = try Self.values(
        pair.value,
        reader,
        "\(prefix)state.\(id)"
      )
    }
    let groupsPath = prefix + "param_groups"
    for (index, node) in try reader.elements(of: list, groupsPath).enumerated()
    {
      let path = "\(groupsPath).\(index)"
      var group = Group(parameters: [], options: [:])
      for pair in try reader.items(of: node, path) {
        let name = try reader.text(pair.key, path)
        guard name == "params" else {
          group.options[name] = try reader.value(pair.value, "\(path).\(name)")
          continue
        }
        for id in try reader.elements(of: pair.value, path + ".params") {
          group.parameters.append(
            try Self.parameter(id, reader, path + ".params")
          )
        }
      }
      groups.append(group)
    }
  }

  private static func parameter(
    _ id: PickleGraph.NodeID,
    _ reader: PythonValueReader,
    _ path: String
  ) throws(CheckpointError) -> ParameterID {
    switch try reader.value(id, path) {
    case .int(let number): return .number(number)
    case .string(let key): return .key(key)
    default: throw reader.fault(id, path, "names no parameter")
    }
  }

  private static func values(
    _ id: PickleGraph.NodeID,
    _ reader: PythonValueReader,
    _ path: String
  ) throws(CheckpointError) -> Values {
    var values: Values = [:]
    for pair in try reader.items(of: id, path) {
      let name = try reader.text(pair.key, path)
      values[name] = try reader.value(pair.value, "\(path).\(name)")
    }
    return values
  }

  /// The object to save, which `load_state_dict` takes.
  public var value: PythonValue {
    .dict([
      (
        .string("state"),
        .dict(parameters.map { ($0.key.value, Self.dict($0.value)) })
      ),
      (
        .string("param_groups"),
        .list(
          groups.map { group in
            let parameters = group.parameters.map(\.value)
            return Self.dict(group.options, ("params", .list(parameters)))
          }
        )
      ),
    ])
  }

  private static func dict(
    _ values: Values,
    _ last: (key: String, value: PythonValue)? = nil
  ) -> PythonValue {
    var items = values.map {
      (key: PythonValue.string($0.key), value: $0.value)
    }
    if let last { items.append((.string(last.key), last.value)) }
    return .dict(items)
  }
}

extension OptimizerState.ParameterID {
  fileprivate var value: PythonValue {
    switch self {
    case .number(let number): .int(number)
    case .key(let key): .string(key)
    }
  }
}
