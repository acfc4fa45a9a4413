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
    var weightGradient: [Call] = []
    for first in stride(from: 0, to: shape.outputs, by: shape.rows) {
      let weight = arrays.weight + first * shape.inputs
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
