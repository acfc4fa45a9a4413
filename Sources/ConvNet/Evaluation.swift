/// How well a network did on a dataset.
public struct Evaluation: Sendable, Hashable {
  /// How one digit fared: each number is 0 where it would divide by zero.
  public struct ClassScore: Sendable, Hashable {
    /// The share of the images taken for this digit that are it.
    public let precision: Double
    /// The share of this digit's images that were taken for it.
    public let recall: Double
    /// The harmonic mean of precision and recall.
    public let f1: Double
  }

  /// The images.
  public let images: Int
  /// The mean loss of an image.
  public let loss: Double
  /// The images whose most probable digit is the label.
  public let argmaxCorrect: Int
  /// The images whose digit, drawn from the probabilities, is the label.
  public let sampledCorrect: Int
  /// The images of each label (row) by their most probable digit (column).
  public let confusion: [[Int]]
  /// The most probable digit of each image.
  public let predictions: [Int]

  /// The share of images whose most probable digit is the label.
  public var argmaxAccuracy: Double { share(argmaxCorrect) }

  /// The share of images whose digit, drawn from the probabilities, is the
  /// label: the course's way to test.
  public var sampledAccuracy: Double { share(sampledCorrect) }

  /// The digits' scores, 0 to 9.
  public var perClass: [ClassScore] {
    confusion.indices.map { digit in
      let hits = Double(confusion[digit][digit])
      let labelled = Double(confusion[digit].reduce(0, +))
      let predicted = Double(confusion.reduce(0) { $0 + $1[digit] })
      let precision = predicted > 0 ? hits / predicted : 0
      let recall = labelled > 0 ? hits / labelled : 0
      let sum = precision + recall
      return ClassScore(
        precision: precision,
        recall: recall,
        f1: sum > 0 ? 2 * precision * recall / sum : 0
      )
    }
  }

  private func share(_ part: Int) -> Double {
    images > 0 ? Double(part) / Double(images) : 0
  }
}
