internal import COneDNN

/// Prepares the convolutions' calls for one thread.
struct ConvolutionCalls {
  let library: OneDNN
  let operations: StepOperations
  let buffers: StepBuffers
  let scratchpad: FloatBuffer

  private var parameters: FloatBuffer { buffers.parameters }
  private let places = ParameterStarts()

  init(
    library: OneDNN,
    operations: StepOperations,
    buffers: StepBuffers,
    scratchpad: FloatBuffer
  ) {
    self.library = library
    self.operations = operations
    self.buffers = buffers
    self.scratchpad = scratchpad
  }

  func convolution1(_ images: [Memory]) throws(ConvNetError) -> [Call] {
    let arguments = [
      CallArgument(
        DNNL_ARG_WEIGHTS,
        operations.forward1.weights,
        operations.packed1
      ),
      CallArgument(
        DNNL_ARG_BIAS,
        try Shape.vector(16),
        parameters,
        at: places.convolution1.bias
      ),
      CallArgument(
        DNNL_ARG_DST,
        try StepOperations.shape1.target(),
        buffers.block1.map,
        step: buffers.block1.mapLength
      ),
    ]
    var calls: [Call] = []
    for image in 0..<buffers.batch {
      calls.append(
        try unsafe library.call(
          operations.forward1,
          source: images[image],
          arguments,
          piece: image,
          scratchpad: scratchpad
        )
      )
    }
    return calls
  }

  func convolution2() throws(ConvNetError) -> [Call] {
    try perImage(
      operations.forward2,
      [
        input2(DNNL_ARG_SRC, buffers.pooled1),
        CallArgument(
          DNNL_ARG_WEIGHTS,
          operations.forward2.weights,
          operations.packed2
        ),
        CallArgument(
          DNNL_ARG_BIAS,
          Shape.vector(32),
          parameters,
          at: places.convolution2.bias
        ),
        CallArgument(
          DNNL_ARG_DST,
          StepOperations.shape2.target(),
          buffers.block2.map,
          step: buffers.block2.mapLength
        ),
      ]
    )
  }

  func inputGradient2(
    _ mapGradient: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    try perImage(
      operations.inputGradient2,
      [
        CallArgument(
          DNNL_ARG_DIFF_DST,
          StepOperations.shape2.target(),
          mapGradient
        ),
        CallArgument(
          DNNL_ARG_WEIGHTS,
          operations.inputGradient2.weights,
          operations.packedForGradient2
        ),
        input2(DNNL_ARG_DIFF_SRC, buffers.block1.pooledGradient),
      ]
    )
  }

  func weightGradient2(
    _ mapGradient: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    let operation = operations.weightGradient2
    return try perImage(
      operation,
      [
        input2(DNNL_ARG_SRC, buffers.pooled1),
        CallArgument(
          DNNL_ARG_DIFF_DST,
          StepOperations.shape2.target(),
          mapGradient
        ),
        CallArgument(
          DNNL_ARG_DIFF_WEIGHTS,
          operation.weightGradient,
          buffers.block2.weightParts,
          step: operation.weightGradientCount
        ),
      ]
    )
  }

  /// From PyTorch's arrangement of the convolutions' weights to oneDNN's.
  func pack() throws(ConvNetError) -> [Call] {
    let plain1 = try Shape.weights(outputs: 16, inputs: 1)
    let plain2 = try Shape.weights(outputs: 32, inputs: 16)
    let weight1 = places.convolution1.weight
    let weight2 = places.convolution2.weight
    return [
      try copy(
        operations.pack1,
        CallArgument(DNNL_ARG_FROM, plain1, parameters, at: weight1),
        CallArgument(
          DNNL_ARG_TO,
          operations.forward1.weights,
          operations.packed1
        )
      ),
      try copy(
        operations.pack2,
        CallArgument(DNNL_ARG_FROM, plain2, parameters, at: weight2),
        CallArgument(
          DNNL_ARG_TO,
          operations.forward2.weights,
          operations.packed2
        )
      ),
      try copy(
        operations.packForGradient2,
        CallArgument(DNNL_ARG_FROM, plain2, parameters, at: weight2),
        CallArgument(
          DNNL_ARG_TO,
          operations.inputGradient2.weights,
          operations.packedForGradient2
        )
      ),
    ]
  }

  /// From the sum of the images' parts to PyTorch's arrangement.
  func unpack2(_ sum: FloatBuffer) throws(ConvNetError) -> Call {
    try copy(
      operations.unpack2,
      CallArgument(
        DNNL_ARG_FROM,
        operations.weightGradient2.weightGradient,
        sum
      ),
      CallArgument(
        DNNL_ARG_TO,
        Shape.weights(outputs: 32, inputs: 16),
        buffers.gradient,
        at: places.convolution2.weight
      )
    )
  }

  /// The second convolution's input or its gradient, which lie alike.
  private func input2(
    _ role: Int32,
    _ buffer: FloatBuffer
  ) throws(ConvNetError) -> CallArgument {
    CallArgument(
      role,
      try StepOperations.shape2.source(),
      buffer,
      step: buffers.block1.pooledLength
    )
  }

  private func perImage(
    _ operation: Operation,
    _ arguments: [CallArgument]
  ) throws(ConvNetError) -> [Call] {
    try library.calls(
      operation,
      pieces: buffers.batch,
      arguments,
      scratchpad: scratchpad
    )
  }

  private func copy(
    _ operation: Operation,
    _ source: CallArgument,
    _ target: CallArgument
  ) throws(ConvNetError) -> Call {
    try library.call(operation, [source, target], scratchpad: scratchpad)
  }
}
