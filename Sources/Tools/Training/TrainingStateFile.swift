internal import ConvNet
internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// A training run between two epochs, as a checkpoint that PyTorch reads.
///
/// It is a dict with `epoch`, `model`, `optimizer`, `best_acc` and `rng`, the
/// parts that `load_state_dict` and `torch.set_rng_state` take, and what only
/// this program needs behind them.
enum TrainingStateFile {
  /// Writes a state, all or nothing.
  static func save(_ state: TrainingState, to path: String) throws {
    try Checkpoint(object(of: state)).save(to: path, as: .pytorchZip)
  }

  private static func object(of state: TrainingState) throws -> PythonValue {
    var items: [(key: PythonValue, value: PythonValue)] = [
      (.string("epoch"), .int(state.epoch)),
      (.string("model"), .stateDict(state.model)),
      (.string("optimizer"), try optimizer(of: state.optimizer)),
      (.string("best_acc"), .float(Double(state.bestAccuracy))),
      (.string("rng"), .tensor(try Tensor(state.randomState))),
      (.string("stale"), .int(state.stale)),
      (.string("best_epoch"), state.bestEpoch.map { .int($0) } ?? .none),
      (
        .string("best_model"),
        state.bestModel.map { .stateDict($0) } ?? .none
      ),
      (
        .string("seed"),
        state.seed.map { .string(String($0)) } ?? .none
      ),
    ]
    if let split = state.split {
      for (name, part) in [
        ("split_train", split.training), ("split_valid", split.validation),
      ] {
        items.append(
          (.string(name), .tensor(try Tensor(part.map(Int64.init))))
        )
      }
    }
    if let bytes = state.augmentationState {
      items.append((.string("augmentation"), .tensor(try Tensor(bytes))))
    }
    items.append((.string("history"), .list(state.history.map(record(of:)))))
    return .dict(items)
  }

  /// Adam's `state_dict()`, as torch 1.12 and later write it.
  private static func optimizer(
    of state: AdamState
  ) throws -> PythonValue {
    var entries: [(key: PythonValue, value: PythonValue)] = []
    for (index, entry) in state.entries.enumerated() {
      entries.append(
        (
          .int(index),
          .dict([
            (
              .string("step"),
              .tensor(try Tensor([Float(entry.step)], shape: []))
            ),
            (.string("exp_avg"), .tensor(entry.mean)),
            (.string("exp_avg_sq"), .tensor(entry.square)),
          ])
        )
      )
    }
    let options = state.options
    let group: PythonValue = .dict([
      (.string("lr"), .float(options.learningRate)),
      (
        .string("betas"),
        .tuple([.float(options.beta1), .float(options.beta2)])
      ),
      (.string("eps"), .float(options.epsilon)),
      (.string("weight_decay"), .float(options.weightDecay)),
      (.string("amsgrad"), .bool(false)),
      (.string("maximize"), .bool(false)),
      (.string("foreach"), .none),
      (.string("capturable"), .bool(false)),
      (.string("differentiable"), .bool(false)),
      (.string("fused"), .none),
      (
        .string("params"),
        .list(AdamState.keys.indices.map { .int($0) })
      ),
    ])
    return .dict([
      (.string("state"), .dict(entries)),
      (.string("param_groups"), .list([group])),
    ])
  }

  private static func record(of record: EpochRecord) -> PythonValue {
    .dict([
      (.string("epoch"), .int(record.epoch)),
      (.string("train_loss"), .float(record.trainingLoss)),
      (.string("train_acc"), .float(Double(record.trainingAccuracy))),
      (.string("valid_loss"), .float(record.validationLoss)),
      (.string("valid_acc"), .float(Double(record.validationAccuracy))),
      (
        .string("test_acc"),
        record.sampledTestAccuracy.map { .float($0) } ?? .none
      ),
      (
        .string("test_argmax_acc"),
        record.argmaxTestAccuracy.map { .float($0) } ?? .none
      ),
    ])
  }
}
