internal import ConvNet
internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// Reads a training state that this program or PyTorch wrote.
struct TrainingStateReader {
  private let path: String
  private let checkpoint: Checkpoint
  private let values: [String: PlainValue]

  /// Opens the file.
  init(_ path: String) throws {
    self.path = path
    checkpoint = try Checkpoint.open(path)
    values = Dictionary(
      checkpoint.values.map { ($0.path, $0.value) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// The state.
  ///
  /// - Throws: ``Failure`` that names the part that is missing or wrong.
  func state() throws -> TrainingState {
    var state = TrainingState(
      epoch: try integer("epoch"),
      model: try stateDict("model"),
      optimizer: try optimizer(),
      bestAccuracy: Float(try number("best_acc")),
      randomState: try bytes("rng")
    )
    state.stale = try optionalInteger("stale") ?? 0
    state.bestEpoch = try optionalInteger("best_epoch")
    state.bestModel = try optionalStateDict("best_model")
    if case .string(let digits) = values["seed"] { state.seed = UInt64(digits) }
    if case .int(let seed) = values["seed"] {
      state.seed = UInt64(bitPattern: Int64(seed))
    }
    state.split = try split()
    if checkpoint.tensors["augmentation"] != nil {
      state.augmentationState = try bytes("augmentation")
    }
    state.history = try history()
    return state
  }

  private func optimizer() throws -> AdamState {
    let group = "optimizer.param_groups.0"
    var options = AdamOptions()
    options.learningRate = try number("\(group).lr")
    options.beta1 = try number("\(group).betas.0")
    options.beta2 = try number("\(group).betas.1")
    options.epsilon = try number("\(group).eps")
    options.weightDecay = try number("\(group).weight_decay")
    for flag in ["amsgrad", "maximize", "decoupled_weight_decay"] {
      if case .bool(true) = values["\(group).\(flag)"] {
        throw fault("its optimizer has \(flag), which is not known here")
      }
    }
    var entries: [AdamState.Entry] = []
    for (index, key) in AdamState.keys.enumerated() {
      let prefix = "optimizer.state.\(index)"
      guard let mean = checkpoint.tensors["\(prefix).exp_avg"] else {
        // Before the first step there are none.
        guard entries.isEmpty else { throw missing("\(prefix).exp_avg") }
        continue
      }
      guard entries.count == index else { throw missing("optimizer.state.0") }
      guard let square = checkpoint.tensors["\(prefix).exp_avg_sq"] else {
        throw missing("\(prefix).exp_avg_sq")
      }
      guard let step = Int(exactly: try number("\(prefix).step")) else {
        throw fault("\(prefix).step is no whole number")
      }
      entries.append(
        AdamState.Entry(key: key, step: step, mean: mean, square: square)
      )
    }
    return AdamState(entries: entries, options: options)
  }

  private func split() throws -> Split? {
    guard
      let training = checkpoint.tensors["split_train"],
      let validation = checkpoint.tensors["split_valid"]
    else { return nil }
    return Split(
      training: try training.elements(as: Int64.self).map(Int.init),
      validation: try validation.elements(as: Int64.self).map(Int.init)
    )
  }

  private func history() throws -> [EpochRecord] {
    var records: [EpochRecord] = []
    while values["history.\(records.count).epoch"] != nil {
      let prefix = "history.\(records.count)"
      records.append(
        EpochRecord(
          epoch: try integer("\(prefix).epoch"),
          trainingLoss: try number("\(prefix).train_loss"),
          trainingAccuracy: Float(try number("\(prefix).train_acc")),
          validationLoss: try number("\(prefix).valid_loss"),
          validationAccuracy: Float(try number("\(prefix).valid_acc")),
          sampledTestAccuracy: optionalNumber("\(prefix).test_acc"),
          argmaxTestAccuracy: optionalNumber("\(prefix).test_argmax_acc")
        )
      )
    }
    return records
  }

  private func stateDict(_ name: String) throws -> StateDict {
    guard let result = try optionalStateDict(name) else { throw missing(name) }
    return result
  }

  private func optionalStateDict(_ name: String) throws -> StateDict? {
    let prefix = name + "."
    var tensors: OrderedDictionary<String, Tensor> = [:]
    for (key, tensor) in checkpoint.tensors where key.hasPrefix(prefix) {
      tensors[String(key.dropFirst(prefix.count))] = tensor
    }
    guard !tensors.isEmpty else { return nil }
    return StateDict(
      tensors,
      moduleVersions: MyConvNet().stateDict().moduleVersions
    )
  }

  private func integer(_ name: String) throws -> Int {
    guard let number = try optionalInteger(name) else { throw missing(name) }
    return number
  }

  private func optionalInteger(_ name: String) throws -> Int? {
    switch values[name] {
    case .int(let number): number
    case nil, .some(.none): nil
    default: throw fault("\(name) should be an integer")
    }
  }

  /// A number, perhaps as a tensor of one element.
  private func number(_ name: String) throws -> Double {
    if let number = optionalNumber(name) { return number }
    guard let tensor = checkpoint.tensors[name], tensor.elementCount == 1 else {
      throw missing(name)
    }
    return try tensor.converted(to: .float64).elements(as: Double.self)[0]
  }

  private func optionalNumber(_ name: String) -> Double? {
    switch values[name] {
    case .float(let number): number
    case .int(let number): Double(number)
    default: nil
    }
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    guard let tensor = checkpoint.tensors[name] else { throw missing(name) }
    guard tensor.dtype == .uint8 else {
      throw fault("\(name) should be uint8, not \(tensor.dtype)")
    }
    return try tensor.elements(as: UInt8.self)
  }

  private func missing(_ name: String) -> Failure {
    fault("it has no \(name)")
  }

  private func fault(_ what: String) -> Failure {
    Failure(
      Exit.badData,
      "\(path): \(what); expected a state of `pth train --save-state`, or a "
        + "dict of PyTorch with epoch, model, optimizer, best_acc and rng"
    )
  }
}
