internal import CKernels
internal import COneDNN

/// One image on its way through the network, its layers cut into pieces, so
/// that several threads get it done sooner than one.
@safe
final class SingleImage: TeamJob {
  private let library: OneDNN
  private let image: Memory
  private let map1 = FloatBuffer(count: 16 * 28 * 28)
  private let pooled1 = FloatBuffer(count: 16 * 14 * 14)
  private let map2 = FloatBuffer(count: 32 * 14 * 14)
  private let pooled2 = FloatBuffer(count: 32 * 7 * 7)
  private let features = FloatBuffer(count: 1568)
  private let logits = FloatBuffer(count: 10)
  private let lanes: [Lane]
  private var output: UnsafeMutablePointer<Float>?

  /// Output channels in a piece of each convolution.
  private let channels1: Int
  private let channels2: Int

  /// One thread's calls, a piece each.
  @safe
  private final class Lane {
    let stream: dnnl_stream_t
    let convolution1: [Call]
    let convolution2: [Call]
    let linear: [[Call]]
    var status = 0

    init(
      stream: dnnl_stream_t,
      convolution1: [Call],
      convolution2: [Call],
      linear: [[Call]]
    ) {
      unsafe self.stream = stream
      self.convolution1 = convolution1
      self.convolution2 = convolution2
      self.linear = linear
    }

    func run(_ call: Call) {
      let answer = unsafe call.run(on: stream)
      if answer != 0, status == 0 { status = answer }
    }
  }

  init(
    _ weights: PredictionWeights,
    _ library: OneDNN,
    threads: Int
  ) throws(ConvNetError) {
    self.library = library
    // Alone, whole layers are faster.
    let isShared = threads > 1
    channels1 = isShared ? 8 : 16
    channels2 = isShared ? 16 : 32
    let rows = isShared ? [98, 98, 10] : [392, 196, 10]
    let shape1 = PredictionWeights.shape1
    let shape2 = PredictionWeights.shape2
    unsafe image = try library.memory(shape1.source(), map1)
    let middle = try unsafe library.memory(shape2.source(), pooled1)
    let hidden =
      [features]
      + PredictionWeights.widths[1...2].map { FloatBuffer(count: $0) }
      + [logits]
    var lanes: [Lane] = []
    for thread in 0..<threads {
      lanes.append(
        try unsafe Lane(
          stream: library.stream(thread),
          convolution1: Self.pieces(
            weights.convolution1,
            shape1,
            channels1,
            library,
            from: image,
            to: map1
          ),
          convolution2: Self.pieces(
            weights.convolution2,
            shape2,
            channels2,
            library,
            from: middle,
            to: map2
          ),
          linear: Self.linear(weights, library, hidden, rows)
        )
      )
    }
    self.lanes = lanes
  }

  private static func pieces(
    _ folded: FoldedConvolution,
    _ shape: ConvolutionShape,
    _ channels: Int,
    _ library: OneDNN,
    from source: Memory,
    to target: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    var calls: [Call] = []
    for first in stride(from: 0, to: shape.outputs, by: channels) {
      let piece = try PreparedConvolution(
        folded,
        shape,
        piece: first..<first + channels,
        library
      )
      calls.append(
        try unsafe piece.call(
          library,
          from: source,
          to: target,
          at: first * shape.size * shape.size
        )
      )
    }
    return calls
  }

  private static func linear(
    _ weights: PredictionWeights,
    _ library: OneDNN,
    _ values: [FloatBuffer],
    _ rows: [Int]
  ) throws(ConvNetError) -> [[Call]] {
    var layers: [[Call]] = []
    for layer in 0..<3 {
      layers.append(
        try weights.linearCalls(
          library,
          layer: layer,
          batch: 1,
          rows: rows[layer],
          from: values[layer],
          to: values[layer + 1]
        )
      )
    }
    return layers
  }

  /// Computes one image; gives 0, or what oneDNN answered.
  func run(
    _ pixels: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>,
    on team: WorkerTeam
  ) -> Int {
    unsafe self.output = output
    unsafe library.point(image, at: pixels)
    team.run(self, paced: true)
    for lane in lanes where lane.status != 0 {
      let status = lane.status
      lane.status = 0
      return status
    }
    return 0
  }

  func work(thread: Int, team: TeamState) {
    let lane = lanes[thread]
    team.chunks(lane.convolution1.count) { piece in
      lane.run(lane.convolution1[piece])
      let first = piece * channels1
      unsafe pth_max_pool(
        map1.at(first * 784),
        Int32(channels1),
        28,
        28,
        pooled1.at(first * 196)
      )
    }
    team.barrier()
    team.chunks(lane.convolution2.count) { piece in
      lane.run(lane.convolution2[piece])
      let first = piece * channels2
      let pooled = unsafe pooled2.at(first * 49)
      unsafe pth_max_pool(
        map2.at(first * 196),
        Int32(channels2),
        14,
        14,
        pooled
      )
      unsafe pth_unblock(pooled, Int32(channels2), 49, features.at(first * 49))
    }
    team.barrier()
    team.chunks(lane.linear[0].count) { lane.run(lane.linear[0][$0]) }
    team.barrier()
    team.chunks(lane.linear[1].count) { lane.run(lane.linear[1][$0]) }
    team.barrier()
    guard thread == 0 else { return }
    lane.run(lane.linear[2][0])
    if let output = unsafe output {
      unsafe pth_softmax(logits.base, 1, Int32(MyConvNet.classCount), output)
    }
  }
}
