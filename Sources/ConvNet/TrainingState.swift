public import Tensors

/// Adam's averages, as `torch.optim.Adam.state_dict()` has them.
public struct AdamState: Sendable {
  /// What Adam keeps of one parameter.
  public struct Entry: Sendable {
    /// The parameter's key in the model.
    public var key: String
    /// The steps made.
    public var step: Int
    /// The running mean of the gradient, `exp_avg`.
    public var mean: Tensor
    /// The running mean of its square, `exp_avg_sq`.
    public var square: Tensor

    /// Makes an entry.
    public init(key: String, step: Int, mean: Tensor, square: Tensor) {
      self.key = key
      self.step = step
      self.mean = mean
      self.square = square
    }
  }

  /// One entry a learned parameter, in the model's order; empty before the
  /// first step.
  public var entries: [Entry]

  /// The settings, as in `param_groups`.
  public var options: AdamOptions

  /// Makes a state.
  public init(entries: [Entry], options: AdamOptions) {
    self.entries = entries
    self.options = options
  }

  /// The learned parameters' keys, in the order of PyTorch's indices.
  public static var keys: [String] {
    ParameterArena.network.places.map(\.key)
  }
}

/// A run between two epochs: all that is needed to go on to the same result.
///
/// A state of another program may lack what has a default.
public struct TrainingState: Sendable {
  /// The epochs that are done.
  public var epoch: Int
  /// The network.
  public var model: StateDict
  /// The optimizer.
  public var optimizer: AdamState
  /// The best validation accuracy so far.
  public var bestAccuracy: Float
  /// PyTorch's random state, as `torch.get_rng_state()` gives it.
  public var randomState: [UInt8]
  /// The epochs in a row without an improvement.
  public var stale = 0
  /// The best epoch so far.
  public var bestEpoch: Int?
  /// The best network so far; nil where it is not known.
  public var bestModel: StateDict?
  /// The seed of the run; nil where it is not known.
  public var seed: UInt64?
  /// The split, where it is drawn once.
  public var split: Split?
  /// The random state of the augmentation.
  public var augmentationState: [UInt8]?
  /// One record an epoch.
  public var history: [EpochRecord] = []

  /// Makes a state of what every program saves.
  ///
  /// - Parameters:
  ///   - epoch: The epochs that are done.
  ///   - model: The network's tensors.
  ///   - optimizer: Adam's averages.
  ///   - bestAccuracy: The best validation accuracy so far.
  ///   - randomState: 5056 bytes.
  public init(
    epoch: Int,
    model: StateDict,
    optimizer: AdamState,
    bestAccuracy: Float,
    randomState: [UInt8]
  ) {
    self.epoch = epoch
    self.model = model
    self.optimizer = optimizer
    self.bestAccuracy = bestAccuracy
    self.randomState = randomState
  }
}

extension Learner {
  /// Adam's averages as they are now.
  ///
  /// - Returns: Tensors of their own.
  /// - Throws: ``ConvNetError`` where memory can't be had.
  public func adamState() throws(ConvNetError) -> AdamState {
    let arena = ParameterArena.network
    let means = try arena.tensors(of: step.buffers.adamMean)
    let squares = try arena.tensors(of: step.buffers.adamSquare)
    var entries: [AdamState.Entry] = []
    if step.stepCount > 0 {
      for (mean, square) in zip(means, squares) {
        entries.append(
          AdamState.Entry(
            key: mean.key,
            step: step.stepCount,
            mean: mean.tensor,
            square: square.tensor
          )
        )
      }
    }
    return AdamState(entries: entries, options: step.optimizer)
  }

  /// Goes on with an optimizer's averages.
  ///
  /// - Parameter state: Adam's averages; its settings are not taken.
  /// - Throws: ``ConvNetError`` where a parameter is missing or mis-shaped, or
  ///   where they differ in their steps.
  public func load(_ state: AdamState) throws(ConvNetError) {
    guard let first = state.entries.first else { return }
    for entry in state.entries where entry.step != first.step {
      throw .state(
        "\(entry.key) has made \(entry.step) steps, "
          + "\(first.key) \(first.step)"
      )
    }
    guard first.step >= 0 else {
      throw .state("\(first.key) has made \(first.step) steps")
    }
    var entries: [String: AdamState.Entry] = [:]
    for entry in state.entries { entries[entry.key] = entry }
    try step.load(
      adamMean: { entries[$0]?.mean },
      adamSquare: { entries[$0]?.square },
      steps: first.step
    )
  }
}
