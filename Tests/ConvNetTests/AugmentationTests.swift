import Tensors
import Testing

@testable import ConvNet

@Suite struct AugmentationTests {
  static func changed(
    _ options: Augmentation,
    _ image: [Float]
  ) -> [Float] {
    var generator = TorchGenerator(seed: 3)
    let map = AffineMap(options, &generator)
    var result = [Float](repeating: -1, count: 784)
    map.apply(to: image, into: &result)
    return result
  }

  static func still() -> Augmentation {
    var options = Augmentation()
    options.degrees = 0
    options.scale = 0
    options.shear = 0
    options.shift = 0
    return options
  }

  @Test func changesNothingWithinNoBounds() throws {
    let image = try Reference.images(0..<1).elements(as: Float.self)
    #expect(Self.changed(Self.still(), image) == image)
  }

  @Test(arguments: 0..<8)
  func keepsTheDigitInThePicture(_ index: Int) throws {
    let image = try Reference.images(index..<index + 1)
      .elements(as: Float.self)
    let result = Self.changed(Augmentation(), image)
    #expect(result != image)
    #expect(result.allSatisfy { (0...1).contains($0) })
    let before = image.reduce(0, +)
    #expect(abs(result.reduce(0, +) - before) < 0.3 * before)
  }

  @Test func drawsTheSameFromTheSameSeed() throws {
    let dataset = try TrainingStepTests.dataset()
    func losses(_ seed: UInt64) throws -> [Float] {
      var options = Augmentation()
      options.seed = seed
      let learner = try Learner(MyConvNet(seed: 1), augmentation: options)
      return try (0..<3).map {
        try learner.learn(from: dataset, Array($0 * 16..<$0 * 16 + 16)[...])
          .loss
      }
    }
    #expect(try losses(1) == losses(1))
    #expect(try losses(1) != losses(2))
  }
}
