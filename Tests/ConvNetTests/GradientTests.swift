import CKernels
import Tensors
import Testing

@testable import ConvNet

/// Every gradient against the loss's own differences.
@Suite struct GradientTests {
  /// A step that only looks: its learning rate is 0.
  static func step(
    _ model: MyConvNet,
    _ loss: LossKind
  ) throws -> Learner {
    var optimizer = AdamOptions()
    optimizer.learningRate = 0
    optimizer.clipNorm = .infinity
    return try Learner(
      model,
      batchSize: 8,
      optimizer: optimizer,
      loss: loss,
      threads: 1
    )
  }

  @Test(arguments: LossKind.allCases)
  func ofEveryParameterIsTheLosssSlope(_ loss: LossKind) throws {
    let dataset = try TrainingStepTests.dataset()
    let batch = Array(40..<48)[...]
    let learner = try Self.step(MyConvNet(seed: 8), loss)
    let buffers = learner.step.buffers
    _ = try learner.learn(from: dataset, batch)
    let gradient = buffers.gradient.array(0..<buffers.gradient.count)
    let parameters = buffers.parameters.array(0..<buffers.parameters.count)
    var generator = TorchGenerator(seed: 4)
    /// The loss's difference along a direction, and what the gradient says.
    func compare(
      _ direction: [Float],
      from start: Int
    ) throws -> (found: Double, expected: Double) {
      func loss(_ sign: Float) throws -> Double {
        var moved = parameters
        for (index, value) in direction.enumerated() {
          moved[start + index] += sign * value
        }
        buffers.parameters.write(moved)
        let lane = learner.step.lanes[0]
        for call in lane.pack { lane.run(call) }
        return Double(try learner.learn(from: dataset, batch).loss)
      }
      let expected = direction.indices.reduce(0.0) {
        $0 + Double(direction[$1]) * Double(gradient[start + $1])
      }
      return (try (loss(1) - loss(-1)) / 2, expected)
    }
    for place in ParameterArena.network.places {
      let slice = gradient[place.range]
      let start = place.range.lowerBound
      let root = Double(slice.count).squareRoot()
      let norm = slice.reduce(0.0) { $0 + Double($1) * Double($1) }
        .squareRoot()
      // A bias before a BatchNorm has no gradient to walk along.
      if !TrainingStepTests.freeBiases.contains(place.key) {
        let along = slice.map { $0 * Float(0.002 / norm) }
        let (found, expected) = try compare(along, from: start)
        #expect(
          abs(found - expected) < 0.02 * expected + 4e-7,
          "\(place.key): \(found) instead of \(expected)"
        )
      }
      let length = slice.count < 10_000 ? 0.004 : 0.05
      let size = Float(length / root)
      let signs = slice.map { _ in generator.random() & 1 == 0 ? size : -size }
      let (found, expected) = try compare(signs, from: start)
      #expect(
        abs(found - expected) < 0.1 * length * norm / root + 4e-7,
        "\(place.key): \(found) instead of \(expected)"
      )
    }
  }

  @Test(arguments: [true, false])
  func ofTheLossIsItsSlope(onProbabilities: Bool) {
    var generator = TorchGenerator(seed: 2)
    var logits = (0..<30).map { _ in generator.uniform(-3, 3) }
    let labels: [Int64] = [3, 0, 9]
    func loss(_ gradient: inout [Float]) -> Double {
      var hits: Int32 = 0
      return Double(
        pth_cross_entropy(
          logits,
          labels,
          3,
          10,
          onProbabilities,
          &gradient,
          &hits
        )
      )
    }
    var gradient = [Float](repeating: 0, count: 30)
    var ignored = gradient
    _ = loss(&gradient)
    for index in logits.indices {
      let value = logits[index]
      logits[index] = value + 0.02
      let upper = loss(&ignored)
      logits[index] = value - 0.02
      let lower = loss(&ignored)
      logits[index] = value
      #expect(abs((upper - lower) / 0.04 - Double(gradient[index])) < 2e-5)
    }
  }
}
