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
    var calls: [Call] = []
    for image in 0..<buffers.batch {
      calls.append(
        try unsafe library.call(
          operations.forward1,
          [
            (DNNL_ARG_SRC, images[image]),
            (
              DNNL_ARG_WEIGHTS,
              library.memory(operations.forward1.weights, operations.packed1)
            ),
            (
              DNNL_ARG_BIAS,
              library.memory(
                Shape.vector(16),
                parameters,
                at: places.convolution1.bias
              )
            ),
            (
              DNNL_ARG_DST,
              library.memory(
                StepOperations.shape1.target(),
                buffers.map1,
                at: image * StepBuffers.mapLength1
              )
            ),
          ],
          scratchpad: scratchpad
        )
      )
    }
    return calls
  }

  func convolution2() throws(ConvNetError) -> [Call] {
    var calls: [Call] = []
    for image in 0..<buffers.batch {
      calls.append(
        try unsafe library.call(
          operations.forward2,
          [
            (
              DNNL_ARG_SRC,
              library.memory(
                StepOperations.shape2.source(),
                buffers.pooled1,
                at: image * StepBuffers.pooledLength1
              )
            ),
            (
              DNNL_ARG_WEIGHTS,
              library.memory(operations.forward2.weights, operations.packed2)
            ),
            (
              DNNL_ARG_BIAS,
              library.memory(
                Shape.vector(32),
                parameters,
                at: places.convolution2.bias
              )
            ),
            (
              DNNL_ARG_DST,
              library.memory(
                StepOperations.shape2.target(),
                buffers.map2,
                at: image * StepBuffers.mapLength2
              )
            ),
          ],
          scratchpad: scratchpad
        )
      )
    }
    return calls
  }

  func inputGradient2(
    _ mapGradient: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    var calls: [Call] = []
    for image in 0..<buffers.batch {
      calls.append(
        try unsafe library.call(
          operations.inputGradient2,
          [
            (
              DNNL_ARG_DIFF_DST,
              library.memory(StepOperations.shape2.target(), mapGradient)
            ),
            (
              DNNL_ARG_WEIGHTS,
              library.memory(
                operations.inputGradient2.weights,
                operations.packedForGradient2
              )
            ),
            (
              DNNL_ARG_DIFF_SRC,
              library.memory(
                StepOperations.shape2.source(),
                buffers.pooledGradient1,
                at: image * StepBuffers.pooledLength1
              )
            ),
          ],
          scratchpad: scratchpad
        )
      )
    }
    return calls
  }

  func weightGradient2(
    _ mapGradient: FloatBuffer
  ) throws(ConvNetError) -> [Call] {
    let part = operations.weightGradient2.weightGradient
    let length = floatCount(of: part)
    var calls: [Call] = []
    for image in 0..<buffers.batch {
      calls.append(
        try unsafe library.call(
          operations.weightGradient2,
          [
            (
              DNNL_ARG_SRC,
              library.memory(
                StepOperations.shape2.source(),
                buffers.pooled1,
                at: image * StepBuffers.pooledLength1
              )
            ),
            (
              DNNL_ARG_DIFF_DST,
              library.memory(StepOperations.shape2.target(), mapGradient)
            ),
            (
              DNNL_ARG_DIFF_WEIGHTS,
              library.memory(part, buffers.weightParts2, at: image * length)
            ),
          ],
          scratchpad: scratchpad
        )
      )
    }
    return calls
  }

  /// From PyTorch's arrangement of the convolutions' weights to oneDNN's.
  func pack() throws(ConvNetError) -> [Call] {
    let plain1 = try Shape.weights(outputs: 16, inputs: 1)
    let plain2 = try Shape.weights(outputs: 32, inputs: 16)
    let start1 = places.convolution1.weight
    let start2 = places.convolution2.weight
    return [
      try unsafe library.call(
        operations.pack1,
        [
          (DNNL_ARG_FROM, library.memory(plain1, parameters, at: start1)),
          (
            DNNL_ARG_TO,
            library.memory(operations.forward1.weights, operations.packed1)
          ),
        ],
        scratchpad: scratchpad
      ),
      try unsafe library.call(
        operations.pack2,
        [
          (DNNL_ARG_FROM, library.memory(plain2, parameters, at: start2)),
          (
            DNNL_ARG_TO,
            library.memory(operations.forward2.weights, operations.packed2)
          ),
        ],
        scratchpad: scratchpad
      ),
      try unsafe library.call(
        operations.packForGradient2,
        [
          (DNNL_ARG_FROM, library.memory(plain2, parameters, at: start2)),
          (
            DNNL_ARG_TO,
            library.memory(
              operations.inputGradient2.weights,
              operations.packedForGradient2
            )
          ),
        ],
        scratchpad: scratchpad
      ),
    ]
  }

  /// From the sum of the images' parts to PyTorch's arrangement.
  func unpack2(_ sum: FloatBuffer) throws(ConvNetError) -> Call {
    try unsafe library.call(
      operations.unpack2,
      [
        (
          DNNL_ARG_FROM,
          library.memory(operations.weightGradient2.weightGradient, sum)
        ),
        (
          DNNL_ARG_TO,
          library.memory(
            Shape.weights(outputs: 32, inputs: 16),
            buffers.gradient,
            at: places.convolution2.weight
          )
        ),
      ],
      scratchpad: scratchpad
    )
  }
}
