/// The arrays of one training step, shared by its threads.
///
/// Feature maps are blocked by eight channels, one image after the other.
@safe
final class StepBuffers {
  let batch: Int

  // The parameters and what belongs to each of them.
  let parameters = FloatBuffer(count: ParameterArena.network.count)
  let gradient = FloatBuffer(count: ParameterArena.network.count)
  let adamMean = FloatBuffer(count: ParameterArena.network.count)
  let adamSquare = FloatBuffer(count: ParameterArena.network.count)

  // Running mean and variance of both BatchNorms.
  let running1 = FloatBuffer(count: 2 * 16)
  let running2 = FloatBuffer(count: 2 * 32)

  /// The images with a border of one zero.
  let padded: FloatBuffer
  let map1: FloatBuffer
  let pooled1: FloatBuffer
  let chosen1: FloatBuffer
  let winner1: UnsafeMutablePointer<UInt8>
  let map2: FloatBuffer
  let chosen2: FloatBuffer
  let winner2: UnsafeMutablePointer<UInt8>
  let features: FloatBuffer
  let hidden1: FloatBuffer
  let hidden2: FloatBuffer

  let featureGradient: FloatBuffer
  let hiddenGradient1: FloatBuffer
  let pooledGradient2: FloatBuffer
  let pooledGradient1: FloatBuffer

  // One part for each image, added up in the images' order.
  let weightParts1: FloatBuffer
  let weightParts2: FloatBuffer
  let sums1: DoubleBuffer
  let squares1: DoubleBuffer
  let sums2: DoubleBuffer
  let squares2: DoubleBuffer
  let gradientSums1: DoubleBuffer
  let gradientProducts1: DoubleBuffer
  let gradientSums2: DoubleBuffer
  let gradientProducts2: DoubleBuffer
  let totals1: DoubleBuffer
  let totals2: DoubleBuffer

  /// The gradient's sum of squares, by parts of fixed extent.
  let norms = DoubleBuffer(count: StepChunks.normCount)

  let images: UnsafeMutablePointer<UnsafePointer<Float>>
  let labels: UnsafeMutablePointer<Int64>

  static let paddedLength = 30 * 30
  static let mapLength1 = 16 * 28 * 28
  static let pooledLength1 = 16 * 14 * 14
  static let mapLength2 = 32 * 14 * 14
  static let pooledLength2 = 32 * 7 * 7

  /// `weightParts2` is the length of one image's part.
  init(batch: Int, weightPart2: Int) {
    self.batch = batch
    func floats(_ length: Int) -> FloatBuffer {
      FloatBuffer(count: batch * length)
    }
    func doubles(_ length: Int) -> DoubleBuffer {
      DoubleBuffer(count: batch * length)
    }
    padded = floats(Self.paddedLength)
    map1 = floats(Self.mapLength1)
    pooled1 = floats(Self.pooledLength1)
    chosen1 = floats(Self.pooledLength1)
    map2 = floats(Self.mapLength2)
    chosen2 = floats(Self.pooledLength2)
    features = floats(1568)
    hidden1 = floats(392)
    hidden2 = floats(196)
    featureGradient = floats(1568)
    hiddenGradient1 = floats(392)
    pooledGradient2 = floats(Self.pooledLength2)
    pooledGradient1 = floats(Self.pooledLength1)
    weightParts1 = floats(144)
    weightParts2 = floats(weightPart2)
    sums1 = doubles(16)
    squares1 = doubles(16)
    sums2 = doubles(32)
    squares2 = doubles(32)
    gradientSums1 = doubles(16)
    gradientProducts1 = doubles(16)
    gradientSums2 = doubles(32)
    gradientProducts2 = doubles(32)
    totals1 = doubles(16)
    totals2 = doubles(32)
    unsafe winner1 = .allocate(capacity: batch * Self.pooledLength1)
    unsafe winner2 = .allocate(capacity: batch * Self.pooledLength2)
    unsafe images = .allocate(capacity: batch)
    unsafe labels = .allocate(capacity: batch)
    unsafe winner1.initialize(repeating: 4, count: batch * Self.pooledLength1)
    unsafe winner2.initialize(repeating: 4, count: batch * Self.pooledLength2)
    unsafe images.initialize(
      repeating: UnsafePointer(padded.base),
      count: batch
    )
    unsafe labels.initialize(repeating: 0, count: batch)
  }

  deinit {
    unsafe winner1.deallocate()
    unsafe winner2.deallocate()
    unsafe images.deallocate()
    unsafe labels.deallocate()
  }
}

/// How a step's work is cut into pieces that threads take one by one.
///
/// The pieces and the order of every sum are fixed: which thread takes a piece
/// changes no result.
enum StepChunks {
  /// Outputs of the first linear layer in a piece: 14 pieces.
  static let rows1 = 28
  static let pieces1 = 392 / rows1

  /// Inputs of the first linear layer in a piece of their gradient.
  static let columns1 = 112
  static let columnPieces1 = 1568 / columns1

  /// Outputs of the second linear layer in a piece.
  static let rows2 = 28
  static let pieces2 = 196 / rows2

  static let columns2 = 56
  static let columnPieces2 = 392 / columns2

  /// Parameters in a piece of the optimizer's work.
  static let adam = 16384

  // Places of the parts of the gradient's sum of squares.
  static let normLinear1 = 0
  static let normLinear2 = normLinear1 + pieces1
  static let normSmall = normLinear2 + pieces2
  static let normBias1 = normSmall + 1
  static let normConvolution2 = normBias1 + 1
  static let normCount = normConvolution2 + 1
}
