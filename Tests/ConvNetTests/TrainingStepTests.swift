import Tensors
import Testing

@testable import ConvNet

@Suite struct TrainingStepTests {
  static func dataset() throws -> Dataset {
    try Dataset(
      images: Reference.images(0..<512),
      labels: Reference.labels(0..<512)
    )
  }

  /// The biases that a BatchNorm takes away again.
  static let freeBiases: Set = ["cnn.0.bias", "cnn.4.bias"]

  @Test(arguments: LossKind.allCases, [1, 2, 3])
  func followsTorch(_ loss: LossKind, threads: Int) throws {
    let reference = try #require(try Reference.load().steps[loss.rawValue])
    let dataset = try Self.dataset()
    let learner = try Learner(MyConvNet(seed: 3), loss: loss, threads: threads)
    var losses: [Double] = []
    var norms: [Double] = []
    var hits: [Int] = []
    let order = Array(0..<512)
    for step in 0..<20 {
      let result = try learner.learn(
        from: dataset,
        order[step * 16..<(step + 1) * 16]
      )
      losses.append(Double(result.loss))
      norms.append(result.gradientNorm)
      hits.append(result.correct)
      if step == 0 { try checkGradients(learner.step, reference) }
    }
    let first = Array(reference.losses.prefix(10))
    #expect(distance(Array(losses.prefix(10)), first) < 1e-5)
    #expect(distance(losses, reference.losses) < 1e-4)
    #expect(distance(norms, reference.norms) < 2e-3)
    #expect(hits == reference.hits)
    let state = try learner.model().stateDict()
    for (key, expected) in reference.parameters {
      let tensor = try #require(state[key])
      // Biases before a BatchNorm have no gradient but rounding's, which Adam
      // makes steps of; the running means contain them.
      let isFree = Self.freeBiases.contains(key) || key.contains("running_mean")
      #expect(
        distance(try sample(tensor), expected) < (isFree ? 1.3e-2 : 1e-3),
        "\(key)"
      )
    }
    let output = try Predictor(learner.model()).probabilities(
      of: Reference.images(0..<64)
    )
    #expect(
      distance(
        try output.elements(as: Float.self).map(Double.init),
        reference.probabilities
      ) < 1e-3
    )
  }

  private func checkGradients(
    _ step: TrainingStep,
    _ reference: Reference.Steps
  ) throws {
    let tensors = try ParameterArena.network.tensors(of: step.buffers.gradient)
    #expect(tensors.count == reference.firstGradients.count)
    for (key, tensor) in tensors {
      let expected = try #require(reference.firstGradients[key])
      let isFree = Self.freeBiases.contains(key)
      let largest = isFree ? 1 : expected.map(abs).max() ?? 0
      #expect(
        distance(try sample(tensor), expected) < 1e-6 + 2e-5 * largest,
        "\(key)"
      )
    }
  }

  @Test func givesTheSameBytesWhateverTheThreadsDo() throws {
    let dataset = try Self.dataset()
    var digests: Set<[Float]> = []
    for threads in [1, 2, 2, 3] {
      let learner = try Learner(MyConvNet(seed: 5), threads: threads)
      for start in stride(from: 0, to: 160, by: 16) {
        _ = try learner.learn(from: dataset, Array(start..<start + 16)[...])
      }
      let buffer = learner.step.buffers.parameters
      digests.insert(buffer.array(0..<buffer.count))
    }
    #expect(digests.count == 1)
  }

  @Test(arguments: [1, 3, 40])
  func takesOtherBatchSizes(_ size: Int) throws {
    let dataset = try Self.dataset()
    let learner = try Learner(MyConvNet(seed: 5), batchSize: size)
    let before = try learner.learn(from: dataset, Array(0..<size)[...])
    for _ in 0..<5 {
      _ = try learner.learn(from: dataset, Array(0..<size)[...])
    }
    let after = try learner.learn(from: dataset, Array(0..<size)[...])
    #expect(after.loss < before.loss)
  }

  @Test func endsItsThreadsAndFreesItsMemory() throws {
    let dataset = try Self.dataset()
    weak var step: TrainingStep?
    do {
      let learner = try Learner(MyConvNet(seed: 5), threads: 3)
      _ = try learner.learn(from: dataset, Array(0..<16)[...])
      step = learner.step
      #expect(step != nil)
    }
    #expect(step == nil)
  }

  @Test func refusesOtherBatches() throws {
    let dataset = try Self.dataset()
    let learner = try Learner(MyConvNet(seed: 5), threads: 1)
    #expect(throws: ConvNetError.self) {
      _ = try learner.learn(from: dataset, Array(0..<15)[...])
    }
    #expect(throws: ConvNetError.self) {
      _ = try learner.learn(from: dataset, Array(500..<516)[...])
    }
    #expect(throws: ConvNetError.self) {
      _ = try Learner(MyConvNet(seed: 5), batchSize: 0)
    }
  }
}
