internal import COneDNN

/// oneDNN's operations of a training step, made once, and the convolutions'
/// weights as it wants them.
@safe
final class StepOperations {
  let forward1: Operation
  let forward2: Operation
  let inputGradient2: Operation
  let weightGradient2: Operation
  let pack1: Operation
  let pack2: Operation
  let packForGradient2: Operation
  let unpack2: Operation
  let linear1: LinearOperations
  let linear2: LinearOperations
  let linear3: LinearOperations

  let packed1: FloatBuffer
  let packed2: FloatBuffer
  let packedForGradient2: FloatBuffer

  static let shape1 = PredictionWeights.shape1
  static let shape2 = PredictionWeights.shape2

  /// The floats of scratch memory that any one call needs.
  let scratchpadCount: Int

  init(_ library: OneDNN, batch: Int) throws(ConvNetError) {
    forward1 = try library.convolution(Self.shape1, training: true, relu: false)
    forward2 = try library.convolution(Self.shape2, training: true, relu: false)
    inputGradient2 = try library.convolutionInputGradient(
      Self.shape2,
      forward: forward2
    )
    weightGradient2 = try library.convolutionWeightGradient(
      Self.shape2,
      forward: forward2
    )
    let plain1 = try Shape.weights(outputs: 16, inputs: 1)
    let plain2 = try Shape.weights(outputs: 32, inputs: 16)
    pack1 = try library.reorder(from: plain1, to: forward1.weights)
    pack2 = try library.reorder(from: plain2, to: forward2.weights)
    packForGradient2 = try library.reorder(
      from: plain2,
      to: inputGradient2.weights
    )
    unpack2 = try library.reorder(
      from: weightGradient2.weightGradient,
      to: plain2
    )
    linear1 = try LinearOperations(
      library,
      LinearShape(
        batch: batch,
        inputs: 1568,
        outputs: 392,
        rows: StepChunks.rows1,
        columns: StepChunks.columns1
      ),
      relu: true
    )
    linear2 = try LinearOperations(
      library,
      LinearShape(
        batch: batch,
        inputs: 392,
        outputs: 196,
        rows: StepChunks.rows2,
        columns: StepChunks.columns2
      ),
      relu: true
    )
    linear3 = try LinearOperations(
      library,
      LinearShape(
        batch: batch,
        inputs: 196,
        outputs: 10,
        rows: 10,
        columns: 196
      ),
      relu: false
    )
    packed1 = FloatBuffer(count: floatCount(of: forward1.weights))
    packed2 = FloatBuffer(count: floatCount(of: forward2.weights))
    packedForGradient2 = FloatBuffer(
      count: floatCount(of: inputGradient2.weights)
    )
    let all =
      [
        forward1, forward2, inputGradient2, weightGradient2, pack1, pack2,
        packForGradient2, unpack2,
      ] + linear1.all + linear2.all + linear3.all
    scratchpadCount = all.map(\.scratchpadCount).max() ?? 0
  }
}

/// A linear layer, and the pieces that its work is cut into.
struct LinearShape {
  let batch: Int
  let inputs: Int
  let outputs: Int

  /// The outputs in a piece, forwards and of the weights' gradient.
  let rows: Int

  /// The inputs in a piece of their gradient.
  let columns: Int

  func activations(
    _ width: Int,
    of stride: Int
  ) throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.matrix(rows: batch, columns: width, rowStride: stride)
  }

  /// Some rows of the weights, as [inputs, rows].
  func transposedRows() throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.matrix(
      rows: inputs,
      columns: rows,
      rowStride: 1,
      columnStride: inputs
    )
  }

  /// Some columns of the weights, as [outputs, columns].
  func someColumns() throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.matrix(rows: outputs, columns: columns, rowStride: inputs)
  }

  /// The gradient of some outputs, as [rows, batch].
  func transposedGradient() throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.matrix(
      rows: rows,
      columns: batch,
      rowStride: 1,
      columnStride: outputs
    )
  }

  /// Some rows of the weights, as [rows, inputs].
  func someRows() throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.matrix(rows: rows, columns: inputs, rowStride: inputs)
  }
}

/// The three products of a linear layer, each for one piece.
struct LinearOperations {
  let shape: LinearShape
  let forward: Operation
  let inputGradient: Operation
  let weightGradient: Operation

  var all: [Operation] { [forward, inputGradient, weightGradient] }

  init(
    _ library: OneDNN,
    _ shape: LinearShape,
    relu: Bool
  ) throws(ConvNetError) {
    self.shape = shape
    forward = try library.product(
      shape.activations(shape.inputs, of: shape.inputs),
      shape.transposedRows(),
      shape.activations(shape.rows, of: shape.outputs),
      biasCount: shape.rows,
      relu: relu
    )
    inputGradient = try library.product(
      shape.activations(shape.outputs, of: shape.outputs),
      shape.someColumns(),
      shape.activations(shape.columns, of: shape.inputs)
    )
    weightGradient = try library.product(
      shape.transposedGradient(),
      shape.activations(shape.inputs, of: shape.inputs),
      shape.someRows()
    )
  }
}

/// The prepared calls of a linear layer for one thread, one a piece.
struct LinearCalls {
  let forward: [Call]
  let inputGradient: [Call]
  let weightGradient: [Call]

  /// Where a layer's arrays are.
  struct Arrays {
    let input: FloatBuffer
    let output: FloatBuffer
    let outputGradient: FloatBuffer
    let inputGradient: FloatBuffer
    let weight: Int
    let bias: Int
  }

  init(
    _ library: OneDNN,
    _ operations: LinearOperations,
    _ arrays: Arrays,
    _ buffers: StepBuffers,
    scratchpad: FloatBuffer
  ) throws(ConvNetError) {
    let shape = operations.shape
    var forward: [Call] = []
    var weightGradient: [Call] = []
    for first in stride(from: 0, to: shape.outputs, by: shape.rows) {
      let weight = arrays.weight + first * shape.inputs
      let bias = try Shape.matrix(
        rows: 1,
        columns: shape.rows,
        rowStride: shape.rows
      )
      forward.append(
        try unsafe library.call(
          operations.forward,
          [
            (
              DNNL_ARG_SRC,
              library.memory(
                shape.activations(shape.inputs, of: shape.inputs),
                arrays.input
              )
            ),
            (
              DNNL_ARG_WEIGHTS,
              library.memory(
                shape.transposedRows(),
                buffers.parameters,
                at: weight
              )
            ),
            (
              DNNL_ARG_BIAS,
              library.memory(bias, buffers.parameters, at: arrays.bias + first)
            ),
            (
              DNNL_ARG_DST,
              library.memory(
                shape.activations(shape.rows, of: shape.outputs),
                arrays.output,
                at: first
              )
            ),
          ],
          scratchpad: scratchpad
        )
      )
      weightGradient.append(
        try unsafe library.call(
          operations.weightGradient,
          [
            (
              DNNL_ARG_SRC,
              library.memory(
                shape.transposedGradient(),
                arrays.outputGradient,
                at: first
              )
            ),
            (
              DNNL_ARG_WEIGHTS,
              library.memory(
                shape.activations(shape.inputs, of: shape.inputs),
                arrays.input
              )
            ),
            (
              DNNL_ARG_DST,
              library.memory(shape.someRows(), buffers.gradient, at: weight)
            ),
          ],
          scratchpad: scratchpad
        )
      )
    }
    self.forward = forward
    self.weightGradient = weightGradient
    var inputGradient: [Call] = []
    for first in stride(from: 0, to: shape.inputs, by: shape.columns) {
      inputGradient.append(
        try unsafe library.call(
          operations.inputGradient,
          [
            (
              DNNL_ARG_SRC,
              library.memory(
                shape.activations(shape.outputs, of: shape.outputs),
                arrays.outputGradient
              )
            ),
            (
              DNNL_ARG_WEIGHTS,
              library.memory(
                shape.someColumns(),
                buffers.parameters,
                at: arrays.weight + first
              )
            ),
            (
              DNNL_ARG_DST,
              library.memory(
                shape.activations(shape.columns, of: shape.inputs),
                arrays.inputGradient,
                at: first
              )
            ),
          ],
          scratchpad: scratchpad
        )
      )
    }
    self.inputGradient = inputGradient
  }
}
