internal import COneDNN

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
    forward = try shape.forward(library, relu: relu)
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
    forward = try shape.forwardCalls(
      library,
      operations.forward,
      LinearArrays(
        input: arrays.input,
        output: arrays.output,
        weights: buffers.parameters,
        weightStart: arrays.weight,
        biases: buffers.parameters,
        biasStart: arrays.bias
      ),
      scratchpad: scratchpad
    )
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
