#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What the cross-entropy takes for its logits.
public enum LossKind: String, Sendable, Hashable, CaseIterable {
  /// The softmax output, as the course's script has it: losses near 1.47.
  case softmaxOutput = "softmax-output"
  /// The last layer's output: plain cross-entropy.
  case logits
}

/// Tests a network on a dataset.
public struct Evaluator {
  private let predictor: Predictor

  /// Prepares a network for testing.
  ///
  /// - Parameters:
  ///   - model: The network, taken in evaluation mode.
  ///   - threads: The threads that share the work.
  /// - Throws: ``ConvNetError`` where oneDNN or the system refuses.
  public init(_ model: MyConvNet, threads: Int = 2) throws(ConvNetError) {
    predictor = try Predictor(model, threads: threads)
  }

  /// Takes a network that is prepared already.
  init(_ predictor: Predictor) {
    self.predictor = predictor
  }

  /// Tests on every image.
  ///
  /// - Parameters:
  ///   - dataset: The images and labels.
  ///   - seed: Of the generator that draws a digit for each image from its
  ///     probabilities.
  ///   - loss: What the cross-entropy takes for its logits.
  ///   - progress: Told how many of how many images are done.
  /// - Returns: Counts and scores.
  /// - Throws: ``ConvNetError`` where oneDNN refuses.
  public func evaluate(
    _ dataset: Dataset,
    seed: UInt64 = 0,
    loss: LossKind = .softmaxOutput,
    progress: ((_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ConvNetError) -> Evaluation {
    let probabilities = try predictor.probabilities(
      of: dataset.pixels,
      progress: progress
    )
    let classes = MyConvNet.classCount
    var generator = TorchGenerator(seed: seed)
    var confusion = Array(
      repeating: Array(repeating: 0, count: classes),
      count: classes
    )
    var predictions: [Int] = []
    predictions.reserveCapacity(dataset.count)
    var total = 0.0
    var sampled = 0
    for (index, label) in dataset.labels.enumerated() {
      let row = probabilities[index * classes..<(index + 1) * classes]
      let best = Self.largest(row)
      predictions.append(best)
      confusion[Int(label)][best] += 1
      total += Self.crossEntropy(row, Int(label), loss)
      if Self.draw(row, &generator) == Int(label) { sampled += 1 }
    }
    return Evaluation(
      images: dataset.count,
      loss: dataset.count > 0 ? total / Double(dataset.count) : 0,
      argmaxCorrect: confusion.indices.reduce(0) { $0 + confusion[$1][$1] },
      sampledCorrect: sampled,
      confusion: confusion,
      predictions: predictions
    )
  }

  /// The index of the first largest probability.
  static func largest(_ row: ArraySlice<Float>) -> Int {
    var best = row.startIndex
    for index in row.indices where row[index] > row[best] { best = index }
    return best - row.startIndex
  }

  /// The cross-entropy of one image's probabilities.
  static func crossEntropy(
    _ row: ArraySlice<Float>,
    _ label: Int,
    _ loss: LossKind
  ) -> Double {
    let own = Double(row[row.startIndex + label])
    switch loss {
    case .softmaxOutput:
      return log(row.reduce(0.0) { $0 + exp(Double($1)) }) - own
    case .logits:
      // No probability is smaller than a float can tell.
      return -log(max(own, Double(Float.leastNonzeroMagnitude)))
    }
  }

  /// Draws an index with the row's probabilities.
  static func draw(
    _ row: ArraySlice<Float>,
    _ generator: inout TorchGenerator
  ) -> Int {
    let sum = row.reduce(0.0) { $0 + Double($1) }
    var left = generator.uniformDouble() * sum
    for index in row.indices {
      left -= Double(row[index])
      if left < 0 { return index - row.startIndex }
    }
    return row.count - 1
  }
}
