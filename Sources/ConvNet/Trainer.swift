public import Tensors

/// Trains and tests the network as the course's script does.
///
/// Each epoch splits the images anew into a training and a validation part,
/// learns from the first in shuffled batches and validates with the second. A
/// network that validates better than all before is saved and tested. The run
/// ends after all epochs, or when the patience is over.
///
/// With a seed, the initial parameters, the splits and the orders are exactly
/// those that PyTorch draws after `torch.manual_seed(seed)`, however many
/// workers its `DataLoader` has; the sampling in the tests has a generator of
/// its own, so that it changes none of them.
public final class Trainer {
  /// The run's settings; a resumed run has Adam's from its state.
  public let options: TrainingOptions

  private let training: Dataset
  private let test: Dataset
  private let learner: Learner
  private var generator: TorchGenerator
  private var state: TrainingState

  /// Prepares a new run.
  ///
  /// - Parameters:
  ///   - options: The settings.
  ///   - training: The images to learn from and to validate with.
  ///   - test: The images to test with.
  /// - Throws: ``ConvNetError`` for settings that make no sense, too few
  ///   images, and where oneDNN or the system refuses.
  public init(
    _ options: TrainingOptions,
    training: Dataset,
    test: Dataset
  ) throws(ConvNetError) {
    try Self.check(options, training, test)
    self.options = options
    self.training = training
    self.test = test
    generator = TorchGenerator(seed: options.seed)
    let model = MyConvNet(drawingFrom: &generator)
    learner = try Self.learner(model, options)
    state = TrainingState(
      epoch: 0,
      model: model.stateDict(),
      optimizer: try learner.adamState(),
      bestAccuracy: 0,
      randomState: generator.stateBytes
    )
    state.seed = options.seed
    state.augmentationState = learner.augmentationState
  }

  /// Prepares to go on with a saved run.
  ///
  /// As in PyTorch, Adam's settings are the saved ones; all other settings are
  /// to be those of the saved run for the same result.
  ///
  /// - Parameters:
  ///   - state: Where to go on from, written by this library or by PyTorch.
  ///   - options: The settings.
  ///   - training: The images to learn from and to validate with.
  ///   - test: The images to test with.
  /// - Throws: ``ConvNetError`` as for a new run and for a state that does not
  ///   fit; `StateDictMismatch` for another network.
  public init(
    resuming state: TrainingState,
    _ options: TrainingOptions,
    training: Dataset,
    test: Dataset
  ) throws {
    var options = options
    let clipNorm = options.optimizer.clipNorm
    options.optimizer = state.optimizer.options
    options.optimizer.clipNorm = clipNorm
    if let seed = state.seed { options.seed = seed }
    try Self.check(options, training, test)
    guard state.epoch >= 0 else {
      throw ConvNetError.state("its epoch is \(state.epoch)")
    }
    if let split = state.split {
      let all = split.training + split.validation
      guard all.sorted() == Array(0..<training.count) else {
        throw ConvNetError.state(
          "its split is not one of \(training.count) images"
        )
      }
    }
    self.options = options
    self.training = training
    self.test = test
    self.state = state
    generator = try TorchGenerator(stateBytes: state.randomState)
    learner = try Self.learner(MyConvNet(state.model), options)
    try learner.load(state.optimizer)
    if let bytes = state.augmentationState {
      try learner.restoreAugmentation(bytes)
    }
    if let best = state.bestModel { _ = try MyConvNet(best) }
  }

  private static func learner(
    _ model: MyConvNet,
    _ options: TrainingOptions
  ) throws(ConvNetError) -> Learner {
    try Learner(
      model,
      batchSize: options.batchSize,
      optimizer: options.optimizer,
      loss: options.loss,
      augmentation: options.augmentation,
      threads: options.threads
    )
  }

  private static func check(
    _ options: TrainingOptions,
    _ training: Dataset,
    _ test: Dataset
  ) throws(ConvNetError) {
    try options.check()
    let part = options.validationFraction * Double(training.count)
    let validation = Int(part.rounded(.towardZero))
    for (what, images) in [
      ("the training part", training.count - validation),
      ("the validation part", validation),
    ] where images < options.batchSize {
      throw .tooFewImages(
        what: what,
        images: images,
        needed: options.batchSize
      )
    }
    guard test.count > 0 else {
      throw .tooFewImages(what: "the test set", images: 0, needed: 1)
    }
  }

  /// What a run calls.
  public struct Hooks {
    /// Saves the best network so far; what it throws ends the run.
    public var saveBest: (StateDict) throws -> Void
    /// Saves the state after an epoch; what it throws ends the run.
    public var saveState: (TrainingState) throws -> Void
    /// Asked after each batch; true ends the run.
    public var isCancelled: () -> Bool
    /// Told what happens.
    public var report: (TrainingEvent) -> Void

    /// Makes hooks.
    ///
    /// - Parameters:
    ///   - saveBest: Saves the best network so far.
    ///   - saveState: Saves the state after an epoch.
    ///   - isCancelled: Asked after each batch; true ends the run.
    ///   - report: Told what happens.
    public init(
      saveBest: @escaping (StateDict) throws -> Void = { _ in },
      saveState: @escaping (TrainingState) throws -> Void = { _ in },
      isCancelled: @escaping () -> Bool = { false },
      report: @escaping (TrainingEvent) -> Void = { _ in }
    ) {
      self.saveBest = saveBest
      self.saveState = saveState
      self.isCancelled = isCancelled
      self.report = report
    }
  }

  /// Runs to the end, or until it is cancelled: once for each trainer.
  ///
  /// A cancelled run ends after the batch. Its state is saved as it was after
  /// the last whole epoch, so that going on gives the same result as a run
  /// that was never cancelled.
  ///
  /// - Parameter hooks: What to call.
  /// - Returns: What the run gave.
  /// - Throws: ``ConvNetError`` where the loss stops being a number or oneDNN
  ///   refuses, and what the hooks throw. What was saved stays.
  public func run(_ hooks: Hooks) throws -> TrainingReport {
    if options.epochs == 0, state.epoch == 0 { try hooks.saveBest(state.model) }
    while state.epoch < options.epochs, state.stale <= options.patience {
      guard try runEpoch(hooks) else {
        try hooks.saveState(state)
        return try report(.cancelled, finalTest: nil)
      }
      try hooks.saveState(state)
      if state.stale > options.patience {
        hooks.report(
          .stoppedEarly(epoch: state.epoch, patience: options.patience)
        )
      }
    }
    let final = try Evaluator(best(), threads: options.threads)
    return try report(
      state.stale > options.patience ? .stoppedEarly : .completed,
      finalTest: final.evaluate(test, seed: options.seed, loss: options.loss)
    )
  }

  /// The best network, or the one at hand where none is known.
  private func best() throws -> MyConvNet {
    try MyConvNet(state.bestModel ?? state.model)
  }

  private func report(
    _ ending: TrainingReport.Ending,
    finalTest: Evaluation?
  ) throws -> TrainingReport {
    TrainingReport(
      ending: ending,
      history: state.history,
      bestEpoch: state.bestEpoch,
      best: try best(),
      finalTest: finalTest
    )
  }

  /// Runs one epoch; false where it was cancelled.
  private func runEpoch(_ hooks: Hooks) throws -> Bool {
    let epoch = state.epoch + 1
    var next = state
    let split =
      state.split
      ?? Split(
        of: training.count,
        validationFraction: options.validationFraction,
        &generator
      )
    if options.fixedSplit { next.split = split }
    guard let learned = try learn(epoch, split, hooks) else { return false }
    hooks.report(
      .trained(
        epoch: epoch,
        loss: learned.meanLoss,
        accuracy: learned.meanAccuracy
      )
    )
    let model = try learner.model()
    let predictor = try Predictor(model, threads: options.threads)
    guard let validated = try validate(epoch, split, predictor, hooks) else {
      return false
    }
    let isBest = validated.meanAccuracy > state.bestAccuracy
    hooks.report(
      .validated(
        epoch: epoch,
        loss: validated.meanLoss,
        accuracy: validated.meanAccuracy,
        isBest: isBest
      )
    )
    var record = EpochRecord(
      epoch: epoch,
      trainingLoss: learned.meanLoss,
      trainingAccuracy: learned.meanAccuracy,
      validationLoss: validated.meanLoss,
      validationAccuracy: validated.meanAccuracy
    )
    next.model = model.stateDict()
    if isBest {
      try hooks.saveBest(next.model)
      next.bestModel = next.model
      next.bestEpoch = epoch
      next.bestAccuracy = validated.meanAccuracy
      next.stale = 0
      let tested = try Evaluator(predictor).evaluate(
        test,
        seed: options.seed &+ UInt64(epoch),
        loss: options.loss
      )
      record.sampledTestAccuracy = tested.sampledAccuracy
      record.argmaxTestAccuracy = tested.argmaxAccuracy
      hooks.report(.tested(epoch: epoch, tested))
    } else {
      next.stale += 1
    }
    next.epoch = epoch
    next.optimizer = try learner.adamState()
    next.randomState = generator.stateBytes
    next.augmentationState = learner.augmentationState
    next.history.append(record)
    state = next
    hooks.report(.finished(record))
    return true
  }

  /// The training phase; nil where it was cancelled.
  private func learn(
    _ epoch: Int,
    _ split: Split,
    _ hooks: Hooks
  ) throws(ConvNetError) -> BatchMeans? {
    let order = generator.shuffled(split.training)
    let size = options.batchSize
    let batches = order.count / size
    var means = BatchMeans()
    for batch in 0..<batches {
      let result = try learner.learn(
        from: training,
        order[batch * size..<(batch + 1) * size]
      )
      guard result.loss.isFinite, result.gradientNorm.isFinite else {
        throw .loss(epoch: epoch, batch: batch + 1)
      }
      means.add(loss: result.loss, correct: result.correct, of: size)
      hooks.report(
        .progress(
          .training,
          epoch: epoch,
          batch: batch + 1,
          of: batches,
          loss: Double(result.loss)
        )
      )
      if hooks.isCancelled() { return nil }
    }
    return means
  }

  /// The validation phase; nil where it was cancelled.
  private func validate(
    _ epoch: Int,
    _ split: Split,
    _ predictor: Predictor,
    _ hooks: Hooks
  ) throws(ConvNetError) -> BatchMeans? {
    generator.drawBaseSeed()
    let validation = Validation(
      dataset: training,
      batchSize: options.batchSize,
      loss: options.loss
    )
    let batches = split.validation.count / options.batchSize
    return try validation.run(predictor, split.validation) { done, loss in
      hooks.report(
        .progress(
          .validation,
          epoch: epoch,
          batch: done,
          of: batches,
          loss: loss
        )
      )
      return !hooks.isCancelled()
    }
  }
}
