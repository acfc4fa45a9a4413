/// How images are changed at random before the network learns from them.
///
/// Each image is turned, scaled, sheared and shifted about its middle, by
/// amounts drawn uniformly up to these bounds.
public struct Augmentation: Sendable, Hashable {
  /// The largest rotation, in degrees.
  public var degrees: Float = 10
  /// The largest change of size, as a part of it.
  public var scale: Float = 0.1
  /// The largest shear, as a part of the height.
  public var shear: Float = 0.1
  /// The largest shift, in pixels.
  public var shift: Float = 1.5
  /// Of the generator that the amounts are drawn from.
  public var seed: UInt64 = 0

  /// Makes bounds that leave a digit readable.
  public init() {}
}
