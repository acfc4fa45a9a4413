extension TorchGenerator {
  /// What `torch.randperm(count)` draws.
  ///
  /// - Parameter count: How many numbers, fewer than 2³².
  /// - Returns: The numbers 0..<count in random order.
  public mutating func permutation(_ count: Int) -> [Int] {
    var result = Array(0..<max(0, count))
    guard count > 1 else { return result }
    for index in 0..<count - 1 {
      result.swapAt(index, index + Int(random()) % (count - index))
    }
    return result
  }
}

/// The images of one split of a dataset, by their indices in it.
public struct Split: Sendable, Hashable {
  /// The images to learn from.
  public let training: [Int]
  /// The images to validate with.
  public let validation: [Int]

  /// Makes a split of given indices.
  public init(training: [Int], validation: [Int]) {
    self.training = training
    self.validation = validation
  }

  /// Splits as `random_split` does, the validation part last.
  ///
  /// - Parameters:
  ///   - count: The dataset's images.
  ///   - validationFraction: The part to validate with, rounded down.
  ///   - generator: What the permutation is drawn from.
  public init(
    of count: Int,
    validationFraction: Double,
    _ generator: inout TorchGenerator
  ) {
    let part = (validationFraction * Double(count)).rounded(.towardZero)
    let length = min(count, max(0, Int(exactly: part) ?? 0))
    let order = generator.permutation(count)
    training = Array(order.prefix(count - length))
    validation = Array(order.suffix(length))
  }
}

extension TorchGenerator {
  /// Draws the order of one epoch, as a shuffling `DataLoader` does: a base
  /// seed for its workers, then a seed for the sampler's own generator.
  ///
  /// - Parameter indices: What to shuffle.
  /// - Returns: The indices in the loader's order.
  mutating func shuffled(_ indices: [Int]) -> [Int] {
    drawBaseSeed()
    var sampler = TorchGenerator(seed: UInt64(randomInt64()))
    return sampler.permutation(indices.count).map { indices[$0] }
  }

  /// What any `DataLoader` draws when its iteration starts.
  mutating func drawBaseSeed() {
    _ = randomInt64()
  }
}
