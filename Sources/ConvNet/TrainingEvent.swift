/// What one epoch gave.
public struct EpochRecord: Sendable, Hashable {
  /// The epoch, from 1.
  public let epoch: Int
  /// The mean loss of the training batches.
  public let trainingLoss: Double
  /// The mean accuracy of the training batches.
  public let trainingAccuracy: Float
  /// The mean loss of the validation batches.
  public let validationLoss: Double
  /// The mean accuracy of the validation batches.
  public let validationAccuracy: Float
  /// The test's accuracy by sampling; nil where the epoch was no improvement.
  public var sampledTestAccuracy: Double?
  /// The test's accuracy by argmax; nil where the epoch was no improvement.
  public var argmaxTestAccuracy: Double?

  /// Makes a record, for a saved run.
  public init(
    epoch: Int,
    trainingLoss: Double,
    trainingAccuracy: Float,
    validationLoss: Double,
    validationAccuracy: Float,
    sampledTestAccuracy: Double? = nil,
    argmaxTestAccuracy: Double? = nil
  ) {
    self.epoch = epoch
    self.trainingLoss = trainingLoss
    self.trainingAccuracy = trainingAccuracy
    self.validationLoss = validationLoss
    self.validationAccuracy = validationAccuracy
    self.sampledTestAccuracy = sampledTestAccuracy
    self.argmaxTestAccuracy = argmaxTestAccuracy
  }
}

/// What a running training tells; epochs and batches count from 1.
public enum TrainingEvent: Sendable, Hashable {
  /// A part of an epoch.
  public enum Phase: Sendable, Hashable {
    /// The network learns.
    case training
    /// The network is validated.
    case validation
  }

  /// Some batches of a phase are done; the loss is the last one's.
  case progress(Phase, epoch: Int, batch: Int, of: Int, loss: Double)
  /// The training phase is done.
  case trained(epoch: Int, loss: Double, accuracy: Float)
  /// The validation phase is done.
  case validated(epoch: Int, loss: Double, accuracy: Float, isBest: Bool)
  /// The best network so far has been saved and tested.
  case tested(epoch: Int, Evaluation)
  /// The epoch is over.
  case finished(EpochRecord)
  /// No improvement for too long: the run ends.
  case stoppedEarly(epoch: Int, patience: Int)
}

/// What a whole run gave.
public struct TrainingReport: Sendable {
  /// Why a run ended.
  public enum Ending: Sendable, Hashable {
    /// All epochs are done.
    case completed
    /// No improvement for too long.
    case stoppedEarly
    /// It was cancelled.
    case cancelled
  }

  /// Why the run ended.
  public let ending: Ending
  /// One record an epoch, those before a resumption too.
  public let history: [EpochRecord]
  /// The epoch of the best network; nil where there was none.
  public let bestEpoch: Int?
  /// The best network.
  public let best: MyConvNet
  /// The final test of the best network; nil for a cancelled run.
  public let finalTest: Evaluation?
}
