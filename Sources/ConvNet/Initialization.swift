internal import Tensors

extension MyConvNet {
  /// Makes the network that PyTorch makes after `torch.manual_seed(seed)`, bit
  /// for bit.
  ///
  /// - Parameter seed: The seed.
  public init(seed: UInt64) {
    var generator = TorchGenerator(seed: seed)
    self.init(drawingFrom: &generator)
  }

  /// Makes a network as PyTorch does: weights and biases in the order of the
  /// layers, uniform within 1 / √(inputs of one output).
  ///
  /// - Parameter generator: What the numbers are drawn from.
  public init(drawingFrom generator: inout TorchGenerator) {
    self.init()
    convolution1.draw(&generator)
    convolution2.draw(&generator)
    linear1.draw(&generator)
    linear2.draw(&generator)
    linear3.draw(&generator)
  }
}

extension Weighted {
  fileprivate mutating func draw(_ generator: inout TorchGenerator) {
    let inputs = Double(weight.values.count / bias.values.count)
    // Kaiming-uniform with a slope of √5, in the order of PyTorch's roundings.
    let slope = 5.0.squareRoot()
    let gain = (2 / (1 + slope * slope)).squareRoot()
    let weightBound = 3.0.squareRoot() * (gain / inputs.squareRoot())
    weight.draw(within: Float(weightBound), &generator)
    bias.draw(within: Float(1 / inputs.squareRoot()), &generator)
  }
}

extension Parameter<Float> {
  fileprivate mutating func draw(
    within bound: Float,
    _ generator: inout TorchGenerator
  ) {
    for index in values.indices {
      values[index] = generator.uniform(-bound, bound)
    }
  }
}
