internal import CKernels
internal import COneDNN
internal import Synchronization
internal import Tensors

/// One batch on its way through the network, shared by a team's threads.
@safe
final class PredictionJob: TeamJob {
  private let library: OneDNN
  private let lanes: [PredictionLane]
  private let weights: PredictionWeights
  private let failure = Atomic<Int>(0)
  private var pixels: UnsafePointer<Float>?
  private var output: UnsafeMutablePointer<Float>?
  private var count = 0

  init(_ model: MyConvNet, threads: Int) throws(ConvNetError) {
    library = try OneDNN(threads: threads)
    weights = try PredictionWeights(model, library)
    var lanes: [PredictionLane] = []
    for _ in 0..<threads {
      lanes.append(try PredictionLane(weights, library))
    }
    self.lanes = lanes
  }

  /// The groups that the batch is split into.
  var groups: Int {
    count / Predictor.groupSize + (count % Predictor.groupSize > 0 ? 1 : 0)
  }

  /// 0, or what oneDNN answered.
  var status: Int { failure.load(ordering: .acquiring) }

  func prepare(
    _ pixels: UnsafePointer<Float>,
    _ count: Int,
    _ output: UnsafeMutablePointer<Float>
  ) {
    unsafe self.pixels = pixels
    unsafe self.output = output
    self.count = count
    failure.store(0, ordering: .releasing)
  }

  func work(thread: Int, team: TeamState) {
    team.chunks(groups) { index in
      let status = group(index, on: thread)
      if status != 0 { failure.store(status, ordering: .releasing) }
    }
  }

  /// Computes one group of images on one thread.
  func group(_ index: Int, on thread: Int) -> Int {
    guard let pixels = unsafe pixels, let output = unsafe output else {
      return 0
    }
    let first = index * Predictor.groupSize
    return unsafe lanes[thread].run(
      pixels + first * PixelSource.imageLength,
      min(Predictor.groupSize, count - first),
      output + first * MyConvNet.classCount,
      library.stream(thread)
    )
  }

  static func check(_ status: Int) throws(ConvNetError) {
    guard status == 0 else {
      throw .oneDNN(call: "the network", status: status)
    }
  }
}

/// The parameters as the calls want them, and the calls' primitives.
@safe
final class PredictionWeights {
  let convolution1: Operation
  let convolution2: Operation
  let weights1: FloatBuffer
  let weights2: FloatBuffer
  let bias1: FloatBuffer
  let bias2: FloatBuffer
  let linear: [(weight: FloatBuffer, bias: FloatBuffer)]

  static let shape1 = ConvolutionShape(inputs: 1, outputs: 16, size: 28)
  static let shape2 = ConvolutionShape(inputs: 16, outputs: 32, size: 14)
  static let widths = [1568, 392, 196, 10]

  init(_ model: MyConvNet, _ library: OneDNN) throws(ConvNetError) {
    convolution1 = try library.convolution(
      Self.shape1,
      training: false,
      relu: true
    )
    convolution2 = try library.convolution(
      Self.shape2,
      training: false,
      relu: true
    )
    let folded1 = FoldedConvolution(model.convolution1, model.normalization1)
    let folded2 = FoldedConvolution(model.convolution2, model.normalization2)
    weights1 = try Self.arrange(folded1, Self.shape1, convolution1, library)
    weights2 = try Self.arrange(folded2, Self.shape2, convolution2, library)
    bias1 = Self.buffer(folded1.bias)
    bias2 = Self.buffer(folded2.bias)
    linear = [model.linear1, model.linear2, model.linear3].map {
      (Self.buffer($0.weight.values), Self.buffer($0.bias.values))
    }
  }

  private static func buffer(_ values: [Float]) -> FloatBuffer {
    let buffer = FloatBuffer(count: values.count)
    buffer.write(values)
    return buffer
  }

  private static func arrange(
    _ folded: FoldedConvolution,
    _ shape: ConvolutionShape,
    _ operation: Operation,
    _ library: OneDNN
  ) throws(ConvNetError) -> FloatBuffer {
    let source = buffer(folded.weights)
    let target = FloatBuffer(count: floatCount(of: operation.weights))
    let plain = try Shape.weights(outputs: shape.outputs, inputs: shape.inputs)
    let reorder = try library.reorder(from: plain, to: operation.weights)
    let call = try unsafe library.call(
      reorder,
      [
        (DNNL_ARG_FROM, library.memory(plain, source)),
        (DNNL_ARG_TO, library.memory(operation.weights, target)),
      ],
      scratchpad: FloatBuffer(count: reorder.scratchpadCount)
    )
    let status = unsafe call.run(on: library.stream(0))
    guard status == 0 else {
      throw .oneDNN(call: "weights", status: status)
    }
    return target
  }
}

/// One thread's buffers and prepared calls.
@safe
final class PredictionLane {
  private let image: Memory
  private let map1: FloatBuffer
  private let pooled1: FloatBuffer
  private let map2: FloatBuffer
  private let pooled2: FloatBuffer
  private let features: FloatBuffer
  private let logits: FloatBuffer
  private let convolution1: Call
  private let convolution2: Call
  private let group: [Call]
  private let single: [Call]

  init(_ weights: PredictionWeights, _ library: OneDNN) throws(ConvNetError) {
    let rows = Predictor.groupSize
    map1 = FloatBuffer(count: 16 * 28 * 28)
    pooled1 = FloatBuffer(count: 16 * 14 * 14)
    map2 = FloatBuffer(count: 32 * 14 * 14)
    pooled2 = FloatBuffer(count: 32 * 7 * 7)
    let values = PredictionWeights.widths.map { FloatBuffer(count: rows * $0) }
    features = values[0]
    logits = values[3]
    let shape1 = PredictionWeights.shape1
    let shape2 = PredictionWeights.shape2
    let scratchpad = FloatBuffer(
      count: max(
        weights.convolution1.scratchpadCount,
        weights.convolution2.scratchpadCount
      )
    )
    unsafe image = try library.memory(shape1.source(), map1)
    convolution1 = try unsafe library.call(
      weights.convolution1,
      [
        (DNNL_ARG_SRC, image),
        (
          DNNL_ARG_WEIGHTS,
          library.memory(weights.convolution1.weights, weights.weights1)
        ),
        (DNNL_ARG_BIAS, library.memory(Shape.vector(16), weights.bias1)),
        (DNNL_ARG_DST, library.memory(shape1.target(), map1)),
      ],
      scratchpad: scratchpad
    )
    convolution2 = try unsafe library.call(
      weights.convolution2,
      [
        (DNNL_ARG_SRC, library.memory(shape2.source(), pooled1)),
        (
          DNNL_ARG_WEIGHTS,
          library.memory(weights.convolution2.weights, weights.weights2)
        ),
        (DNNL_ARG_BIAS, library.memory(Shape.vector(32), weights.bias2)),
        (DNNL_ARG_DST, library.memory(shape2.target(), map2)),
      ],
      scratchpad: scratchpad
    )
    group = try Self.linear(weights, library, values, rows: rows)
    single = try Self.linear(weights, library, values, rows: 1)
  }

  private static func linear(
    _ weights: PredictionWeights,
    _ library: OneDNN,
    _ values: [FloatBuffer],
    rows: Int
  ) throws(ConvNetError) -> [Call] {
    var calls: [Call] = []
    for layer in 0..<3 {
      let inputs = PredictionWeights.widths[layer]
      let outputs = PredictionWeights.widths[layer + 1]
      let source = try Shape.matrix(
        rows: rows,
        columns: inputs,
        rowStride: inputs
      )
      // PyTorch keeps outputs first: the product takes it transposed.
      let weight = try Shape.matrix(
        rows: inputs,
        columns: outputs,
        rowStride: 1,
        columnStride: inputs
      )
      let target = try Shape.matrix(
        rows: rows,
        columns: outputs,
        rowStride: outputs
      )
      let bias = try Shape.matrix(rows: 1, columns: outputs, rowStride: outputs)
      let product = try library.product(
        source,
        weight,
        target,
        biasCount: outputs,
        relu: layer < 2
      )
      calls.append(
        try unsafe library.call(
          product,
          [
            (DNNL_ARG_SRC, library.memory(source, values[layer])),
            (
              DNNL_ARG_WEIGHTS,
              library.memory(weight, weights.linear[layer].weight)
            ),
            (
              DNNL_ARG_BIAS,
              library.memory(bias, weights.linear[layer].bias)
            ),
            (DNNL_ARG_DST, library.memory(target, values[layer + 1])),
          ],
          scratchpad: FloatBuffer(count: product.scratchpadCount)
        )
      )
    }
    return calls
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
      // The call only reads what it is told to be its source.
      unsafe dnnl_memory_set_data_handle(
        image,
        UnsafeMutablePointer(mutating: start)
      )
      var status = unsafe convolution1.run(on: stream)
      if status != 0 { return status }
      unsafe pth_max_pool(map1.base, 16, 28, 28, pooled1.base)
      status = unsafe convolution2.run(on: stream)
      if status != 0 { return status }
      unsafe pth_max_pool(map2.base, 32, 14, 14, pooled2.base)
      unsafe pth_unblock(pooled2.base, 32, 49, features.at(index * 1568))
    }
    for call in count == 1 ? single : group {
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
