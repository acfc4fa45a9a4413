/// The arrays of one training step, shared by its threads.
@safe
final class StepBuffers {
  let batch: Int

  // The parameters and what belongs to each of them.
  let parameters = FloatBuffer(count: ParameterArena.network.count)
  let gradient = FloatBuffer(count: ParameterArena.network.count)
  let adamMean = FloatBuffer(count: ParameterArena.network.count)
  let adamSquare = FloatBuffer(count: ParameterArena.network.count)

  let block1: StepBlock
  let block2: StepBlock

  /// The images with a border of one zero.
  let padded: FloatBuffer
  let pooled1: FloatBuffer
  let features: FloatBuffer
  let hidden1: FloatBuffer
  let hidden2: FloatBuffer

  let featureGradient: FloatBuffer
  let hiddenGradient1: FloatBuffer

  /// The gradient's sum of squares, by parts of fixed extent.
  let norms = DoubleBuffer(count: StepChunks.normCount)

  let images: UnsafeMutablePointer<UnsafePointer<Float>>
  let labels: UnsafeMutablePointer<Int64>

  static let paddedLength = 30 * 30

  /// `weightPart2` is the length of one image's part of the second
  /// convolution's gradient.
  init(batch: Int, weightPart2: Int) {
    self.batch = batch
    func floats(_ length: Int) -> FloatBuffer {
      FloatBuffer(count: batch * length)
    }
    block1 = StepBlock(channels: 16, side: 28, batch: batch, weightPart: 144)
    block2 = StepBlock(
      channels: 32,
      side: 14,
      batch: batch,
      weightPart: weightPart2
    )
    padded = floats(Self.paddedLength)
    pooled1 = floats(block1.pooledLength)
    features = floats(1568)
    hidden1 = floats(392)
    hidden2 = floats(196)
    featureGradient = floats(1568)
    hiddenGradient1 = floats(392)
    unsafe images = .allocate(capacity: batch)
    unsafe labels = .allocate(capacity: batch)
    unsafe images.initialize(
      repeating: UnsafePointer(padded.base),
      count: batch
    )
    unsafe labels.initialize(repeating: 0, count: batch)
  }

  deinit {
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
