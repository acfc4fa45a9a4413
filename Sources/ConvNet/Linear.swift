internal import COneDNN

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

  /// A piece's part of the biases.
  func someBiases() throws(ConvNetError) -> dnnl_memory_desc_t {
    try Shape.matrix(rows: 1, columns: rows, rowStride: rows)
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

/// A linear layer's arrays: where it reads, writes, and has its parameters.
struct LinearArrays {
  let input: FloatBuffer
  let output: FloatBuffer
  let weights: FloatBuffer
  let weightStart: Int
  let biases: FloatBuffer
  let biasStart: Int
}

extension LinearShape {
  /// One piece of the layer, with ReLU where asked for.
  func forward(
    _ library: OneDNN,
    relu: Bool
  ) throws(ConvNetError) -> Operation {
    try library.product(
      activations(inputs, of: inputs),
      transposedRows(),
      activations(rows, of: outputs),
      biasCount: rows,
      relu: relu
    )
  }

  /// The calls of all pieces, in order.
  func forwardCalls(
    _ library: OneDNN,
    _ operation: Operation,
    _ arrays: LinearArrays,
    scratchpad: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    try library.calls(
      operation,
      pieces: outputs / rows,
      [
        CallArgument(
          DNNL_ARG_SRC,
          activations(inputs, of: inputs),
          arrays.input
        ),
        // PyTorch keeps outputs first: the product takes them transposed.
        CallArgument(
          DNNL_ARG_WEIGHTS,
          transposedRows(),
          arrays.weights,
          at: arrays.weightStart,
          step: rows * inputs
        ),
        CallArgument(
          DNNL_ARG_BIAS,
          someBiases(),
          arrays.biases,
          at: arrays.biasStart,
          step: rows
        ),
        CallArgument(
          DNNL_ARG_DST,
          activations(rows, of: outputs),
          arrays.output,
          step: rows
        ),
      ],
      scratchpad: scratchpad
    )
  }
}
