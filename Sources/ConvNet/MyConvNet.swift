public import Tensors

/// The course's network for 28×28 digits, with the names that PyTorch gives
/// its parameters.
///
/// Two blocks of convolution, BatchNorm, ReLU and max-pooling, three linear
/// layers and a softmax. It takes `[N, 1, 28, 28]` or `[1, 28, 28]` and gives
/// the probabilities `[N, 10]`.
///
/// A value of this type holds parameters and nothing else. ``Predictor`` and
/// ``Trainer`` run it.
public struct MyConvNet: Module, Sendable {
  /// The side of an image, in pixels.
  public static let imageSize = 28

  /// The classes: the digits 0 to 9.
  public static let classCount = 10

  var convolution1 = Weighted(shape: [16, 1, 3, 3])
  var normalization1 = BatchNorm(channels: 16)
  var convolution2 = Weighted(shape: [32, 16, 3, 3])
  var normalization2 = BatchNorm(channels: 32)
  var linear1 = Weighted(shape: [392, 1568])
  var linear2 = Weighted(shape: [196, 392])
  var linear3 = Weighted(shape: [10, 196])

  /// Makes a network whose weights are all zero, to be loaded into.
  ///
  /// ``init(seed:)`` makes one to train.
  public init() {}

  /// Makes a network of a checkpoint's parameters.
  ///
  /// - Parameter stateDict: Exactly the tensors that PyTorch's `state_dict()`
  ///   of this network has.
  /// - Throws: `StateDictMismatch` with every key that does not fit.
  public init(_ stateDict: StateDict) throws(StateDictMismatch) {
    try load(stateDict)
  }

  public mutating func visitParameters(_ visitor: inout ModuleVisitor) {
    visitor.scope("cnn") { cnn in
      cnn.scope(&convolution1, "0")
      cnn.scope(&normalization1, "1")
      cnn.scope("2")
      cnn.scope("3")
      cnn.scope(&convolution2, "4")
      cnn.scope(&normalization2, "5")
      cnn.scope("6")
      cnn.scope("7")
    }
    visitor.scope("fc") { fc in
      fc.scope(&linear1, "0")
      fc.scope("1")
      fc.scope(&linear2, "2")
      fc.scope("3")
      fc.scope(&linear3, "4")
    }
  }
}

/// A convolution's or a linear layer's weight, outputs first, and bias.
struct Weighted: Module, Sendable {
  var weight: Parameter<Float>
  var bias: Parameter<Float>

  /// - Parameter shape: The weight's, its first dimension the outputs.
  init(shape: [Int]) {
    weight = Parameter(shape: shape)
    bias = Parameter(shape: Array(shape.prefix(1)))
  }

  mutating func visitParameters(_ visitor: inout ModuleVisitor) {
    visitor.visit(&weight, "weight")
    visitor.visit(&bias, "bias")
  }
}

/// BatchNorm2d with running statistics.
struct BatchNorm: Module, Sendable {
  static let stateVersion = 2

  /// What is added to a variance before its root is taken.
  static let epsilon = 1e-5

  /// The share of a new batch in the running statistics.
  static let momentum: Float = 0.1

  var weight: Parameter<Float>
  var bias: Parameter<Float>
  var runningMean: Parameter<Float>
  var runningVariance: Parameter<Float>
  var batchesTracked = Parameter<Int64>(shape: [])

  init(channels: Int) {
    weight = Parameter(shape: [channels], repeating: 1)
    bias = Parameter(shape: [channels])
    runningMean = Parameter(shape: [channels])
    runningVariance = Parameter(shape: [channels], repeating: 1)
  }

  mutating func visitParameters(_ visitor: inout ModuleVisitor) {
    visitor.visit(&weight, "weight")
    visitor.visit(&bias, "bias")
    visitor.visit(&runningMean, "running_mean", role: .buffer)
    visitor.visit(&runningVariance, "running_var", role: .buffer)
    visitor.visit(&batchesTracked, "num_batches_tracked", role: .buffer)
  }
}
