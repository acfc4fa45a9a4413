import OrderedCollections
import Tensors
import Testing

@testable import ConvNet

@Suite struct PredictorTests {
  /// The network of the reference, with running statistics of its own.
  static func network() throws -> MyConvNet {
    let reference = try Reference.load().evaluation
    var state = MyConvNet(seed: 11).stateDict()
    for (key, values) in reference.statistics {
      state[key] = try Tensor(values)
    }
    return try MyConvNet(state)
  }

  @Test func namesItsParametersAsTorch() throws {
    let state = MyConvNet().stateDict()
    #expect(state.keys.first == "cnn.0.weight")
    #expect(state.keys.last == "fc.4.bias")
    #expect(state.count == 20)
    #expect(state["cnn.5.num_batches_tracked"]?.dtype == .int64)
    #expect(state["cnn.5.num_batches_tracked"]?.shape == [])
    let metadata = try Reference.load().metadata
    #expect(
      state.moduleVersions.map { [.path($0.key), .version($0.value)] }
        == metadata
    )
  }

  @Test(arguments: [1, 2, 3])
  func agreesWithTorch(threads: Int) throws {
    let reference = try Reference.load().evaluation
    let predictor = try Predictor(Self.network(), threads: threads)
    let output = try predictor.probabilities(of: Reference.images(0..<64))
    #expect(output.shape == [64, 10])
    let found = try output.elements(as: Float.self).map(Double.init)
    #expect(distance(found, reference.probabilities) < 1e-5)
  }

  @Test func takesOneImageWithoutABatch() throws {
    let reference = try Reference.load().evaluation
    let predictor = try Predictor(Self.network())
    let image = try Tensor(
      Reference.images(0..<1).elements(as: Float.self),
      shape: [1, 28, 28]
    )
    let output = try predictor.probabilities(of: image)
    #expect(output.shape == [1, 10])
    let found = try output.elements(as: Float.self).map(Double.init)
    #expect(distance(found, Array(reference.probabilities.prefix(10))) < 1e-5)
  }

  @Test func takesAnyNumberOfImages() throws {
    let reference = try Reference.load().evaluation
    let predictor = try Predictor(Self.network())
    for count in [0, 2, 15, 16, 17, 33, 63] {
      let output = try predictor.probabilities(of: Reference.images(0..<count))
      #expect(output.shape == [count, 10])
      let found = try output.elements(as: Float.self).map(Double.init)
      let expected = Array(reference.probabilities.prefix(10 * count))
      #expect(distance(found, expected) < 1e-5, "\(count) images")
    }
  }

  @Test func fillsTheCallersMemory() throws {
    let reference = try Reference.load().evaluation
    let predictor = try Predictor(Self.network())
    let pixels = try Reference.images(0..<20).elements(as: Float.self)
    var output = [Float](repeating: 0, count: 200)
    var target = output.mutableSpan
    try predictor.probabilities(of: pixels.span, into: &target)
    let expected = Array(reference.probabilities.prefix(200))
    #expect(distance(output.map(Double.init), expected) < 1e-5)
  }

  @Test func refusesOtherShapesAndDTypes() throws {
    let predictor = try Predictor(MyConvNet(seed: 1), threads: 1)
    for shape in [
      [784], [28, 28], [1, 1, 28, 27], [2, 28, 28], [1, 3, 28, 28],
    ] {
      let values = [Float](repeating: 0, count: shape.reduce(1, *))
      let tensor = try Tensor(values, shape: shape)
      #expect(throws: ConvNetError.self) {
        _ = try predictor.probabilities(of: tensor)
      }
    }
    let bytes = [UInt8](repeating: 0, count: 784)
    let image = try Tensor(bytes, shape: [1, 28, 28])
    #expect {
      _ = try predictor.probabilities(of: image)
    } throws: {
      "\($0)" == "the input has the dtype uint8, expected float32"
    }
  }

  @Test func evaluatesAsTorch() throws {
    let reference = try Reference.load().evaluation
    let dataset = try Dataset(
      images: Reference.images(0..<64),
      labels: Reference.labels(0..<64)
    )
    let evaluator = try Evaluator(Self.network())
    let result = try evaluator.evaluate(dataset)
    #expect(result.images == 64)
    #expect(result.predictions == reference.argmax)
    #expect(abs(result.loss - reference.loss) < 1e-5)
    let plain = try evaluator.evaluate(dataset, loss: .logits)
    #expect(abs(plain.loss - reference.logitsLoss) < 1e-5)
    let hits = zip(reference.argmax, dataset.labels).filter { $0 == Int($1) }
    #expect(result.argmaxCorrect == hits.count)
    #expect(result.confusion.joined().reduce(0, +) == 64)
    for (digit, row) in result.confusion.enumerated() {
      #expect(row.reduce(0, +) == dataset.labels.filter { $0 == digit }.count)
    }
  }

  @Test func drawsDigitsWithTheirProbabilities() throws {
    var generator = TorchGenerator(seed: 5)
    let row: [Float] = [0.5, 0, 0.25, 0.125, 0.125, 0, 0, 0, 0, 0]
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<16000 { counts[Evaluator.draw(row[...], &generator)] += 1 }
    for (count, probability) in zip(counts, row) {
      #expect(abs(Double(count) / 16000 - Double(probability)) < 0.015)
      #expect(probability > 0 || count == 0)
    }
  }

  @Test func scoresEachDigit() {
    var confusion = Array(repeating: Array(repeating: 0, count: 10), count: 10)
    confusion[3][3] = 6
    confusion[3][5] = 2
    confusion[5][3] = 3
    let result = Evaluation(
      images: 11,
      loss: 1.5,
      argmaxCorrect: 6,
      sampledCorrect: 5,
      confusion: confusion,
      predictions: []
    )
    let three = result.perClass[3]
    #expect(three.precision == 6.0 / 9)
    #expect(three.recall == 0.75)
    #expect(abs(three.f1 - 12.0 / 17) < 1e-12)
    #expect(result.perClass[0].f1 == 0)
    #expect(result.argmaxAccuracy == 6.0 / 11)
  }
}
