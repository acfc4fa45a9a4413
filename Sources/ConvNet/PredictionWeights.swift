internal import COneDNN
internal import Tensors

/// The parameters as the calls want them.
@safe
final class PredictionWeights {
  let convolution1: FoldedConvolution
  let convolution2: FoldedConvolution
  let winograd2: WinogradConvolution
  let linear: [(weight: FloatBuffer, bias: FloatBuffer)]

  static let shape1 = ConvolutionShape(inputs: 1, outputs: 16, size: 28)
  static let shape2 = ConvolutionShape(inputs: 16, outputs: 32, size: 14)
  static let widths = [1568, 392, 196, 10]

  init(_ model: MyConvNet) {
    convolution1 = FoldedConvolution(model.convolution1, model.normalization1)
    convolution2 = FoldedConvolution(model.convolution2, model.normalization2)
    winograd2 = WinogradConvolution(convolution2, Self.shape2)
    linear = [model.linear1, model.linear2, model.linear3].map {
      (FloatBuffer(of: $0.weight.values), FloatBuffer(of: $0.bias.values))
    }
  }

  /// A linear layer's calls, one a piece of `rows` outputs.
  func linearCalls(
    _ library: OneDNN,
    layer: Int,
    batch: Int,
    rows: Int,
    from input: FloatBuffer,
    to output: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    let shape = LinearShape(
      batch: batch,
      inputs: Self.widths[layer],
      outputs: Self.widths[layer + 1],
      rows: rows,
      columns: Self.widths[layer]
    )
    let operation = try shape.forward(library, relu: layer < 2)
    return try shape.forwardCalls(
      library,
      operation,
      LinearArrays(
        input: input,
        output: output,
        weights: linear[layer].weight,
        weightStart: 0,
        biases: linear[layer].bias,
        biasStart: 0
      ),
      scratchpad: FloatBuffer(count: operation.scratchpadCount)
    )
  }
}

/// Some output channels of a folded convolution with ReLU, ready to be called.
@safe
struct PreparedConvolution {
  private let shape: ConvolutionShape
  private let operation: Operation
  private let weights: FloatBuffer
  private let bias: FloatBuffer

  /// Takes the channels of `piece` alone.
  init(
    _ folded: FoldedConvolution,
    _ whole: ConvolutionShape,
    piece: Range<Int>,
    _ library: OneDNN
  ) throws(ConvNetError) {
    shape = ConvolutionShape(
      inputs: whole.inputs,
      outputs: piece.count,
      size: whole.size
    )
    operation = try library.convolution(shape, training: false, relu: true)
    bias = FloatBuffer(of: Array(folded.bias[piece]))
    let taps = whole.inputs * 9
    let part = folded.weights[piece.lowerBound * taps..<piece.upperBound * taps]
    weights = FloatBuffer(count: operation.weightCount)
    let plain = try Shape.weights(outputs: shape.outputs, inputs: shape.inputs)
    let reorder = try library.reorder(from: plain, to: operation.weights)
    let call = try unsafe library.call(
      reorder,
      [
        (DNNL_ARG_FROM, library.memory(plain, FloatBuffer(of: Array(part)))),
        (DNNL_ARG_TO, library.memory(operation.weights, weights)),
      ],
      scratchpad: FloatBuffer(count: reorder.scratchpadCount)
    )
    let status = unsafe call.run(on: library.stream(0))
    guard status == 0 else { throw .oneDNN(call: "weights", status: status) }
  }

  /// A call that reads `source` and writes `target` from `start` on.
  func call(
    _ library: OneDNN,
    from source: Memory,
    to target: FloatBuffer,
    at start: Int = 0
  ) throws(ConvNetError) -> Call {
    try unsafe library.call(
      operation,
      [
        (DNNL_ARG_SRC, source),
        (DNNL_ARG_WEIGHTS, library.memory(operation.weights, weights)),
        (DNNL_ARG_BIAS, library.memory(Shape.vector(shape.outputs), bias)),
        (DNNL_ARG_DST, library.memory(shape.target(), target, at: start)),
      ],
      scratchpad: FloatBuffer(count: operation.scratchpadCount)
    )
  }
}
