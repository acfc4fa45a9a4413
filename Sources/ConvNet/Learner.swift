/// Trains a network batch by batch.
///
/// ``Trainer`` runs the course's whole procedure; this is one step of it. All
/// memory is reserved when it is made. One thread at a time may use it.
@safe
public final class Learner {
  /// The images of a batch.
  public let batchSize: Int

  let step: TrainingStep
  private var addresses: [UnsafePointer<Float>]
  private var labels: [Int64]
  private var augmenter: Augmenter?

  /// What one batch gave.
  public struct BatchResult: Sendable, Hashable {
    /// The mean loss of its images.
    public let loss: Float
    /// The images whose most probable digit is the label.
    public let correct: Int
    /// The gradient's total norm before it was clipped.
    public let gradientNorm: Double
  }

  /// Prepares the training of a network.
  ///
  /// - Parameters:
  ///   - model: The parameters to start from.
  ///   - batchSize: The images of a batch.
  ///   - optimizer: Adam's settings.
  ///   - loss: What the cross-entropy takes for its logits.
  ///   - augmentation: How to change the images at random; nil for not at all.
  ///   - threads: The threads that share a step, the caller among them. The
  ///     results don't depend on it.
  /// - Throws: ``ConvNetError`` for a batch size below 1 and where oneDNN or
  ///   the system refuses.
  public init(
    _ model: MyConvNet,
    batchSize: Int = 16,
    optimizer: AdamOptions = AdamOptions(),
    loss: LossKind = .softmaxOutput,
    augmentation: Augmentation? = nil,
    threads: Int = 2
  ) throws(ConvNetError) {
    guard (1...4096).contains(batchSize) else {
      throw .option(
        name: "the batch size",
        value: "\(batchSize)",
        expected: "1 to 4096"
      )
    }
    self.batchSize = batchSize
    step = try TrainingStep(
      model,
      batch: batchSize,
      optimizer: optimizer,
      loss: loss,
      threads: threads
    )
    unsafe addresses = []
    labels = []
    unsafe addresses.reserveCapacity(batchSize)
    labels.reserveCapacity(batchSize)
    augmenter = augmentation.map { Augmenter($0, batch: batchSize) }
  }

  /// Learns from one batch.
  ///
  /// - Parameters:
  ///   - dataset: Where the images are.
  ///   - indices: Which of them, ``batchSize`` many.
  /// - Returns: Loss, hits and norm, of the parameters before the step.
  /// - Throws: ``ConvNetError`` for another number of images, an index that
  ///   the dataset does not have, and where oneDNN refuses.
  public func learn(
    from dataset: Dataset,
    _ indices: ArraySlice<Int>
  ) throws(ConvNetError) -> BatchResult {
    unsafe addresses.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
    for index in indices {
      guard dataset.labels.indices.contains(index),
        let base = unsafe dataset.pixels.base
      else {
        throw .counts(images: dataset.count, labels: index)
      }
      unsafe addresses.append(base + index * PixelSource.imageLength)
      labels.append(dataset.labels[index])
    }
    unsafe augmenter?.change(&addresses)
    // No typed error passes through the closures.
    let outcome = unsafe addresses.withUnsafeBufferPointer { images in
      unsafe labels.withUnsafeBufferPointer { labels in
        Result { () throws(ConvNetError) in
          try unsafe step.run(images, labels)
        }
      }
    }
    withExtendedLifetime(dataset) {}
    let result = try outcome.get()
    return BatchResult(
      loss: result.loss,
      correct: result.hits,
      gradientNorm: result.norm
    )
  }

  /// The network as it is now.
  ///
  /// - Returns: A copy of the parameters and running statistics.
  /// - Throws: ``ConvNetError`` where memory can't be had.
  public func model() throws(ConvNetError) -> MyConvNet {
    try step.model()
  }

  /// The random state of the augmentation, if there is one.
  var augmentationState: [UInt8]? { augmenter?.generator.stateBytes }

  /// Goes on with a saved random state of the augmentation.
  func restoreAugmentation(_ bytes: [UInt8]) throws(ConvNetError) {
    augmenter?.generator = try TorchGenerator(stateBytes: bytes)
  }
}
