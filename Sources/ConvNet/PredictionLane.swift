internal import CKernels
internal import COneDNN

/// One thread's buffers and prepared calls.
@safe
final class PredictionLane {
  private let library: OneDNN
  private let image: Memory
  private let map1: FloatBuffer
  private let pooled1: FloatBuffer
  private let scratch: FloatBuffer
  private let pooled2: FloatBuffer
  private let features: FloatBuffer
  private let logits: FloatBuffer
  private let convolution1: Call
  private let convolution2: WinogradConvolution
  private let small: [Call]
  private let large: [Call]

  /// The sizes of group that there are calls for.
  static let smallGroup = 16
  static let largeGroup = 64

  init(_ weights: PredictionWeights, _ library: OneDNN) throws(ConvNetError) {
    self.library = library
    map1 = FloatBuffer(count: 16 * 28 * 28)
    pooled1 = FloatBuffer(count: 16 * 14 * 14)
    convolution2 = weights.winograd2
    scratch = FloatBuffer(count: convolution2.scratchCount)
    pooled2 = FloatBuffer(count: 32 * 7 * 7)
    let values = PredictionWeights.widths.map {
      FloatBuffer(count: Self.largeGroup * $0)
    }
    features = values[0]
    logits = values[3]
    let shape1 = PredictionWeights.shape1
    unsafe image = try library.memory(shape1.source(), map1)
    convolution1 = try unsafe PreparedConvolution(
      weights.convolution1,
      shape1,
      piece: 0..<16,
      library
    ).call(library, from: image, to: map1)
    func linear(_ batch: Int) throws(ConvNetError) -> [Call] {
      var calls: [Call] = []
      for layer in 0..<3 {
        calls += try weights.linearCalls(
          library,
          layer: layer,
          batch: batch,
          rows: PredictionWeights.widths[layer + 1],
          from: values[layer],
          to: values[layer + 1]
        )
      }
      return calls
    }
    small = try linear(Self.smallGroup)
    large = try linear(Self.largeGroup)
  }

  /// Computes up to a group of images; gives 0, or what oneDNN answered.
  func run(
    _ pixels: UnsafePointer<Float>,
    _ count: Int,
    _ output: UnsafeMutablePointer<Float>,
    _ stream: dnnl_stream_t
  ) -> Int {
    for index in 0..<count {
      let start = unsafe pixels + index * PixelSource.imageLength
      unsafe library.point(image, at: start)
      let status = unsafe convolution1.run(on: stream)
      if status != 0 { return status }
      unsafe pth_max_pool(map1.base, 16, 28, 28, pooled1.base)
      convolution2.run(pooled1, scratch: scratch, to: pooled2)
      unsafe pth_unblock(pooled2.base, 32, 49, features.at(index * 1568))
    }
    for call in count <= Self.smallGroup ? small : large {
      let status = unsafe call.run(on: stream)
      if status != 0 { return status }
    }
    unsafe pth_softmax(
      logits.base,
      Int32(count),
      Int32(MyConvNet.classCount),
      output
    )
    return 0
  }
}
