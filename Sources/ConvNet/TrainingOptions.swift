/// The settings of a training run, with the course's values as defaults.
public struct TrainingOptions: Sendable, Hashable {
  /// The most epochs; with 0 the initial network is the result.
  public var epochs = 32
  /// The images of a batch; an incomplete last batch is dropped.
  public var batchSize = 16
  /// How many epochs in a row may bring no improvement; one more ends the run.
  public var patience = 8
  /// The part of the images to validate with, rounded down.
  public var validationFraction = 0.1
  /// Whether the images are split once instead of anew in each epoch.
  public var fixedSplit = false
  /// Adam's settings and the gradient's clipping.
  public var optimizer = AdamOptions()
  /// What the cross-entropy takes for its logits.
  public var loss = LossKind.softmaxOutput
  /// How to change the training images at random; nil for not at all.
  public var augmentation: Augmentation?
  /// Of PyTorch's generator: initial parameters, splits and orders.
  public var seed: UInt64
  /// The threads that share the work; the results don't depend on it.
  public var threads = 2

  /// Makes the course's settings.
  ///
  /// - Parameter seed: The seed; a random one of 32 bits where it is nil.
  public init(seed: UInt64? = nil) {
    self.seed = seed ?? UInt64(UInt32.random(in: 0...UInt32.max))
  }

  /// Looks for settings that make no sense.
  ///
  /// - Throws: ``ConvNetError`` that names the first one.
  public func check() throws(ConvNetError) {
    func require(
      _ isGood: Bool,
      _ name: String,
      _ value: some CustomStringConvertible,
      _ expected: String
    ) throws(ConvNetError) {
      guard isGood else {
        throw .option(
          name: name,
          value: value.description,
          expected: expected
        )
      }
    }
    try require(
      (0...1_000_000).contains(epochs),
      "the number of epochs",
      epochs,
      "0 to 1000000"
    )
    try require(
      (1...4096).contains(batchSize),
      "the batch size",
      batchSize,
      "1 to 4096"
    )
    try require(patience >= 0, "the patience", patience, "0 or more")
    try require(
      validationFraction > 0 && validationFraction < 1,
      "the validation part",
      validationFraction,
      "more than 0 and less than 1"
    )
    try require((1...64).contains(threads), "the threads", threads, "1 to 64")
    let rate = optimizer.learningRate
    try require(
      rate >= 0 && rate.isFinite,
      "the learning rate",
      rate,
      "0 or more"
    )
    let decay = optimizer.weightDecay
    try require(
      decay >= 0 && decay.isFinite,
      "the weight decay",
      decay,
      "0 or more"
    )
    try require(
      optimizer.clipNorm > 0,
      "the clipping norm",
      optimizer.clipNorm,
      "more than 0"
    )
    for (name, beta) in [
      ("beta1", optimizer.beta1), ("beta2", optimizer.beta2),
    ] {
      try require(
        beta >= 0 && beta < 1,
        name,
        beta,
        "0 or more and less than 1"
      )
    }
    let epsilon = optimizer.epsilon
    try require(
      epsilon >= 0 && epsilon.isFinite,
      "epsilon",
      epsilon,
      "0 or more"
    )
  }
}
