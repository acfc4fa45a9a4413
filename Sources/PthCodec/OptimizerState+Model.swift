internal import OrderedCollections
public import Tensors

// An optimizer's state beside the model that it trains.
extension OptimizerState {
  /// The tensors that the optimizer keeps under a name, by the model's keys.
  ///
  /// - Parameters:
  ///   - name: Such as `exp_avg`, `exp_avg_sq` or `momentum_buffer`.
  ///   - keys: The parameters' keys in the order in which the optimizer was
  ///     given them.
  /// - Returns: The tensors; none of a parameter that has none yet.
  /// - Throws: ``CheckpointError`` for a parameter without a key.
  public func tensors(
    _ name: String,
    keys: [String]
  ) throws(CheckpointError) -> StateDict {
    try tensors(name, names: self.keys(keys, isGuess: false))
  }

  private func tensors(
    _ name: String,
    names: [ParameterID: String]
  ) throws(CheckpointError) -> StateDict {
    var result = StateDict()
    for (id, values) in parameters {
      guard case .tensor(let tensor)? = values[name] else { continue }
      guard let key = names[id] else {
        throw CheckpointError(
          .mismatch,
          "the parameter is in none of the optimizer's groups",
          keyPath: "state.\(id)"
        )
      }
      result[key] = tensor
    }
    return result
  }

  /// What the optimizer keeps under a name, as a model of the same type.
  ///
  /// - Parameters:
  ///   - name: Such as `exp_avg`, `exp_avg_sq` or `momentum_buffer`.
  ///   - model: The model that the optimizer trains; buffers stay as they are.
  ///   - keys: The parameters' keys in the order in which the optimizer was
  ///     given them; nil where it was given `model.parameters()`.
  /// - Returns: The model with the optimizer's values for its parameters.
  /// - Throws: ``CheckpointError`` where the optimizer has several groups that
  ///   don't tell their parameters' keys; `StateDictMismatch` for a parameter
  ///   of which it keeps nothing, or something of another shape.
  public func values<Model: Module>(
    _ name: String,
    like model: Model,
    keys: [String]? = nil
  ) throws -> Model {
    var found = try tensors(name, names: names(of: model, keys))
    let own = model.stateDict()
    for description in model.parameterDescriptions
    where description.role == .buffer {
      found[description.key] = own[description.key]
    }
    var result = model
    try result.load(found)
    return result
  }

  /// Sets what the optimizer keeps under a name.
  ///
  /// - Parameters:
  ///   - name: Such as `exp_avg`.
  ///   - model: The values, of the type of the model that is trained.
  ///   - keys: The parameters' keys in the order in which the optimizer was
  ///     given them; nil where it was given `model.parameters()`.
  /// - Throws: ``CheckpointError`` where the groups don't tell which parameter
  ///   is which.
  public mutating func set<Model: Module>(
    _ name: String,
    to model: Model,
    keys: [String]? = nil
  ) throws(CheckpointError) {
    let values = model.stateDict()
    let names = try names(of: model, keys)
    try set(name) { id throws(CheckpointError) in
      guard let key = names[id], let tensor = values[key] else {
        throw CheckpointError(
          .mismatch,
          "the model has no such parameter",
          keyPath: "state.\(id)"
        )
      }
      return .tensor(tensor)
    }
  }

  /// Sets a value of each parameter, such as `step`.
  ///
  /// - Parameters:
  ///   - name: The value's name.
  ///   - value: Makes it. PyTorch changes tensors in place, so that each
  ///     parameter needs one of its own.
  /// - Throws: What `value` throws.
  public mutating func set<Failure: Error>(
    _ name: String,
    _ value: (ParameterID) throws(Failure) -> PythonValue
  ) throws(Failure) {
    var changed = parameters
    for group in groups {
      for id in group.parameters {
        changed[id, default: [:]][name] = try value(id)
      }
    }
    parameters = changed
  }

  private func names(
    of model: some Module,
    _ keys: [String]?
  ) throws(CheckpointError) -> [ParameterID: String] {
    if let keys { return try self.keys(keys, isGuess: false) }
    let learned = model.parameterDescriptions.filter { $0.role == .parameter }
    return try self.keys(learned.map(\.key), isGuess: true)
  }

  // The key of each parameter in the groups. A guess are the model's own keys,
  // whose order that of several groups need not be.
  private func keys(
    _ keys: [String],
    isGuess: Bool
  ) throws(CheckpointError) -> [ParameterID: String] {
    var result: [ParameterID: String] = [:]
    for (index, group) in groups.enumerated() {
      for (place, id) in group.parameters.enumerated() {
        switch id {
        case .key(let key): result[id] = key
        case .number(let number):
          if let key = group.key(at: place) {
            result[id] = key
          } else if !isGuess || groups.count == 1, keys.indices.contains(number)
          {
            result[id] = keys[number]
          } else {
            throw noKey(
              number,
              at: "param_groups.\(index).params.\(place)",
              keys
            )
          }
        }
      }
    }
    return result
  }

  private func noKey(
    _ number: Int,
    at path: String,
    _ keys: [String]
  ) -> CheckpointError {
    guard keys.indices.contains(number) else {
      return CheckpointError(
        .mismatch,
        "the optimizer has a parameter \(number), but there are "
          + "\(keys.count) keys",
        keyPath: path
      )
    }
    return CheckpointError(
      .mismatch,
      "with \(groups.count) groups a number does not tell the model's parameter",
      keyPath: path,
      hint: "give the keys in the order in which the optimizer was given them"
    )
  }
}

extension OptimizerState.Group {
  /// The key that torch 2.6 and later note of a named parameter.
  fileprivate func key(at place: Int) -> String? {
    guard case .list(let names)? = options["param_names"], place < names.count,
      case .string(let key) = names[place]
    else { return nil }
    return key
  }
}
