internal import CKernels

/// The arrays of one block of a training step, a convolution with its BatchNorm,
/// ReLU and pooling, and what is done with those of one image.
///
/// Feature maps are blocked by eight channels, one image after the other.
@safe
final class StepBlock {
  let channels: Int

  /// The side of the feature map before pooling.
  let side: Int

  /// Running mean and variance, one after the other.
  let running: FloatBuffer

  /// What the convolution gives.
  let map: FloatBuffer
  let pooledGradient: FloatBuffer

  // The value that each window of the pooling chose, and its place.
  private let chosen: FloatBuffer
  private let winner: UnsafeMutablePointer<UInt8>

  // One part for each image, added up in the images' order.
  let weightParts: FloatBuffer
  let sums: DoubleBuffer
  let squares: DoubleBuffer
  let gradientSums: DoubleBuffer
  let gradientProducts: DoubleBuffer
  let totals: DoubleBuffer

  /// The floats of one image before and after pooling.
  let mapLength: Int
  let pooledLength: Int

  /// `weightPart` is the length of one image's part of the weights' gradient.
  init(channels: Int, side: Int, batch: Int, weightPart: Int) {
    self.channels = channels
    self.side = side
    mapLength = channels * side * side
    pooledLength = mapLength / 4
    running = FloatBuffer(count: 2 * channels)
    map = FloatBuffer(count: batch * mapLength)
    pooledGradient = FloatBuffer(count: batch * pooledLength)
    chosen = FloatBuffer(count: batch * pooledLength)
    weightParts = FloatBuffer(count: batch * weightPart)
    sums = DoubleBuffer(count: batch * channels)
    squares = DoubleBuffer(count: batch * channels)
    gradientSums = DoubleBuffer(count: batch * channels)
    gradientProducts = DoubleBuffer(count: batch * channels)
    totals = DoubleBuffer(count: batch * channels)
    unsafe winner = .allocate(capacity: batch * pooledLength)
    unsafe winner.initialize(repeating: 4, count: batch * pooledLength)
  }

  deinit { unsafe winner.deallocate() }

  /// The running variance, which follows the mean.
  var runningVariance: UnsafeMutablePointer<Float> {
    unsafe running.at(channels)
  }

  /// Sums an image's map for the batch's statistics.
  @inline(__always)
  func measure(_ image: Int) {
    let start = image * channels
    sums.clear(start, channels)
    squares.clear(start, channels)
    unsafe pth_batch_statistics(
      map.at(image * mapLength),
      running.base,
      Int32(channels),
      Int32(side),
      Int32(side),
      sums.at(start),
      squares.at(start)
    )
  }

  /// BatchNorm, ReLU and pooling of an image.
  @inline(__always)
  func pool(
    _ image: Int,
    _ normalization: Normalization,
    to target: UnsafeMutablePointer<Float>
  ) {
    let pooled = image * pooledLength
    unsafe pth_normalize_relu_pool(
      map.at(image * mapLength),
      normalization.scale.base,
      normalization.offset.base,
      Int32(channels),
      Int32(side),
      Int32(side),
      target,
      winner + pooled,
      chosen.at(pooled)
    )
  }

  /// Sums an image's pooled gradient for BatchNorm's own.
  @inline(__always)
  func sumGradient(_ image: Int, _ normalization: Normalization) {
    let start = image * channels
    let pooled = image * pooledLength
    gradientSums.clear(start, channels)
    gradientProducts.clear(start, channels)
    unsafe pth_normalize_gradient_sums(
      pooledGradient.at(pooled),
      winner + pooled,
      chosen.at(pooled),
      normalization.mean.base,
      Int32(channels),
      Int32(pooledLength / channels),
      gradientSums.at(start),
      gradientProducts.at(start)
    )
  }

  /// The gradient of an image's map.
  @inline(__always)
  func mapGradient(
    _ image: Int,
    _ normalization: Normalization,
    to target: UnsafeMutablePointer<Float>
  ) {
    let pooled = image * pooledLength
    totals.clear(image * channels, channels)
    unsafe pth_normalize_gradient(
      map.at(image * mapLength),
      pooledGradient.at(pooled),
      winner + pooled,
      normalization.gain.base,
      normalization.slope.base,
      normalization.constant.base,
      Int32(channels),
      Int32(side),
      Int32(side),
      target,
      totals.at(image * channels)
    )
  }

  /// The gradient of the weights by an image with a border of one zero, for a
  /// convolution of one channel.
  @inline(__always)
  func weightGradient(
    _ image: Int,
    _ normalization: Normalization,
    padded: UnsafeMutablePointer<Float>,
    scratch: FloatBuffer
  ) {
    let pooled = image * pooledLength
    totals.clear(image * channels, channels)
    unsafe pth_first_weight_gradient(
      padded,
      map.at(image * mapLength),
      pooledGradient.at(pooled),
      winner + pooled,
      normalization.gain.base,
      normalization.slope.base,
      normalization.constant.base,
      Int32(channels),
      Int32(side),
      Int32(side),
      scratch.base,
      weightParts.at(image * channels * 9),
      totals.at(image * channels)
    )
  }

  /// A channel's total over the images: the gradient of the bias.
  func biasGradient(_ channel: Int, batch: Int) -> Float {
    Float(totals.total(channel, parts: batch, width: channels))
  }
}
