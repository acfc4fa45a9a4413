internal import COneDNN

/// The two products that give a linear layer's gradients, each for one piece.
struct LinearGradientOperations {
  let shape: LinearShape
  let inputGradient: Operation
  let weightGradient: Operation

  var all: [Operation] { [inputGradient, weightGradient] }

  init(
    _ library: OneDNN,
    _ shape: LinearShape
  ) throws(ConvNetError) {
    self.shape = shape
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

/// The prepared calls of a linear layer's gradients for one thread, one a piece.
struct LinearGradients {
  let inputGradient: [Call]
  let weightGradient: [Call]

  /// Where a layer's arrays are.
  struct Arrays {
    let input: FloatBuffer
    let outputGradient: FloatBuffer
    let inputGradient: FloatBuffer
    let weight: Int
  }

  init(
    _ library: OneDNN,
    _ operations: LinearGradientOperations,
    _ arrays: Arrays,
    _ buffers: StepBuffers,
    scratchpad: FloatBuffer
  ) throws(ConvNetError) {
    let shape = operations.shape
    weightGradient = try library.calls(
      operations.weightGradient,
      pieces: shape.outputs / shape.rows,
      [
        CallArgument(
          DNNL_ARG_SRC,
          shape.transposedGradient(),
          arrays.outputGradient,
          step: shape.rows
        ),
        CallArgument(
          DNNL_ARG_WEIGHTS,
          shape.activations(shape.inputs, of: shape.inputs),
          arrays.input
        ),
        CallArgument(
          DNNL_ARG_DST,
          shape.someRows(),
          buffers.gradient,
          at: arrays.weight,
          step: shape.rows * shape.inputs
        ),
      ],
      scratchpad: scratchpad
    )
    inputGradient = try library.calls(
      operations.inputGradient,
      pieces: shape.inputs / shape.columns,
      [
        CallArgument(
          DNNL_ARG_SRC,
          shape.activations(shape.outputs, of: shape.outputs),
          arrays.outputGradient
        ),
        CallArgument(
          DNNL_ARG_WEIGHTS,
          shape.someColumns(),
          buffers.parameters,
          at: arrays.weight,
          step: shape.columns
        ),
        CallArgument(
          DNNL_ARG_DST,
          shape.activations(shape.columns, of: shape.inputs),
          arrays.inputGradient,
          step: shape.columns
        ),
      ],
      scratchpad: scratchpad
    )
  }
}
