/// The settings of the optimizer: `torch.optim.Adam` and the gradient's
/// clipping, with the course's values as defaults.
public struct AdamOptions: Sendable, Hashable {
  /// The learning rate.
  public var learningRate = 3e-4
  /// Times the parameter, added to its gradient.
  public var weightDecay = 1e-5
  /// How much of the gradient's running mean is kept at each step.
  public var beta1 = 0.9
  /// How much of the gradient's running mean square is kept at each step.
  public var beta2 = 0.999
  /// What is added to the root of the mean square.
  public var epsilon = 1e-8
  /// The total norm that the gradient is clipped to; infinity for none.
  public var clipNorm = 10.0

  /// Makes the course's settings.
  public init() {}
}
