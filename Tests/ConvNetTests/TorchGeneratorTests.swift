import OrderedCollections
import Tensors
import TestSupport
import Testing

@testable import ConvNet

@Suite struct TorchGeneratorTests {
  @Test(arguments: ["0", "1", "42", "2147483648", "1099511627783"])
  func drawsWhatTorchDraws(_ seed: String) throws {
    let expected = try #require(try Reference.load().exact.random[seed])
    var generator = TorchGenerator(seed: try #require(UInt64(seed)))
    #expect(generator.permutation(1000) == expected.randperm)
    #expect((0..<3).map { _ in generator.randomInt64() } == expected.int64)
    #expect(
      (0..<100).map { _ in generator.uniform(-0.25, 0.5) } == expected.uniform
    )
    #expect(try Tensor(generator.stateBytes).sha256() == expected.state)
  }

  @Test func goesOnFromItsStateBytes() throws {
    var generator = TorchGenerator(seed: 9)
    for count in [0, 1, 622, 1, 1, 1, 2000] {
      for _ in 0..<count { _ = generator.random() }
      var copy = try TorchGenerator(stateBytes: generator.stateBytes)
      var original = generator
      #expect(copy == original)
      #expect(
        (0..<700).map { _ in copy.random() }
          == (0..<700).map { _ in original.random() }
      )
    }
  }

  @Test func keepsTheNormalDistributionsBytes() throws {
    var bytes = TorchGenerator(seed: 1).stateBytes
    bytes[5050] = 17
    #expect(try TorchGenerator(stateBytes: bytes).stateBytes == bytes)
  }

  @Test(arguments: [
    (8, 0), (9, 9), (12, 0), (16, 255), (17, 3), (20, 1),
  ])
  func refusesStatesThatNoGeneratorHas(_ place: Int, _ value: UInt8) throws {
    var bytes = TorchGenerator(seed: 1).stateBytes
    bytes[place] = value
    #expect(throws: ConvNetError.self) {
      _ = try TorchGenerator(stateBytes: bytes)
    }
    #expect(throws: ConvNetError.self) {
      _ = try TorchGenerator(stateBytes: Array(bytes.dropLast()))
    }
  }

  @Test func startsWithTorchsParameters() throws {
    let expected = try Reference.load().exact.initial
    let state = MyConvNet(seed: 1).stateDict()
    #expect(state.count == expected.count)
    for (key, tensor) in state.tensors {
      #expect(try tensor.sha256() == expected[key], "\(key)")
    }
  }

  @Test func splitsAndShufflesAsTorchsLoaders() throws {
    let expected = try Reference.load().exact.loaders
    var generator = TorchGenerator(seed: 7)
    for epoch in expected.epochs {
      let split = Split(of: 512, validationFraction: 0.1, &generator)
      let order = generator.shuffled(split.training)
      generator.drawBaseSeed()
      let batches = try #require(epoch["train"])
      #expect(
        Array(order.prefix(batches.count * 16)) == batches.flatMap(\.self)
      )
      #expect(order.count - batches.count * 16 < 16)
      let checked = try #require(epoch["valid"])
      #expect(
        Array(split.validation.prefix(checked.count * 16))
          == checked.flatMap(\.self)
      )
    }
    #expect(try Tensor(generator.stateBytes).sha256() == expected.state)
  }
}
