internal import COneDNN

/// What one thread of a training step has for itself: prepared calls, and
/// small results that are cheaper to compute twice than to wait for.
@safe
final class StepLane {
  let stream: dnnl_stream_t
  let normalization1: Normalization
  let normalization2: Normalization

  let logits: FloatBuffer
  let logitsGradient: FloatBuffer
  let hiddenGradient2: FloatBuffer

  /// The gradient of the second convolution's output, for one image.
  let mapGradient2: FloatBuffer

  /// Two rows of the gradient of the first convolution's output.
  let rows1 = FloatBuffer(count: 2 * 28 * 8)

  /// The gradients of the first convolution and BatchNorm, as in the arena.
  let firstGradient = FloatBuffer(count: 192)
  let sumParts = FloatBuffer(count: 32 * 16 * 9)

  /// What oneDNN answered first, if it refused.
  var status = 0
  var loss: Float = 0
  var hits: Int32 = 0
  var norm = 0.0

  let convolution1: [Call]
  let convolution2: [Call]
  let inputGradient2: [Call]
  let weightGradient2: [Call]
  let pack: [Call]
  let unpack2: Call
  let linear1: LinearGradients
  let linear2: LinearGradients
  let linear3: LinearGradients

  init(
    _ library: OneDNN,
    _ operations: StepOperations,
    _ buffers: StepBuffers,
    images: [Memory],
    thread: Int
  ) throws(ConvNetError) {
    let batch = buffers.batch
    unsafe stream = library.stream(thread)
    let places = ParameterStarts()
    let p = buffers.parameters
    unsafe normalization1 = Normalization(
      of: buffers.block1,
      batch: batch,
      gamma: p.at(places.normalization1.weight),
      beta: p.at(places.normalization1.bias)
    )
    unsafe normalization2 = Normalization(
      of: buffers.block2,
      batch: batch,
      gamma: p.at(places.normalization2.weight),
      beta: p.at(places.normalization2.bias)
    )
    mapGradient2 = FloatBuffer(count: buffers.block2.mapLength)
    logits = FloatBuffer(count: batch * 10)
    logitsGradient = FloatBuffer(count: batch * 10)
    hiddenGradient2 = FloatBuffer(count: batch * 196)
    let scratchpad = FloatBuffer(count: operations.scratchpadCount)
    let maker = ConvolutionCalls(
      library: library,
      operations: operations,
      buffers: buffers,
      scratchpad: scratchpad
    )
    convolution1 = try unsafe maker.convolution1(images)
    convolution2 = try maker.convolution2()
    inputGradient2 = try maker.inputGradient2(mapGradient2)
    weightGradient2 = try maker.weightGradient2(mapGradient2)
    pack = try maker.pack()
    unpack2 = try maker.unpack2(sumParts)
    linear1 = try LinearGradients(
      library,
      operations.linear1,
      LinearGradients.Arrays(
        input: buffers.features,
        outputGradient: buffers.hiddenGradient1,
        inputGradient: buffers.featureGradient,
        weight: places.linear1.weight
      ),
      buffers,
      scratchpad: scratchpad
    )
    linear2 = try LinearGradients(
      library,
      operations.linear2,
      LinearGradients.Arrays(
        input: buffers.hidden1,
        outputGradient: hiddenGradient2,
        inputGradient: buffers.hiddenGradient1,
        weight: places.linear2.weight
      ),
      buffers,
      scratchpad: scratchpad
    )
    linear3 = try LinearGradients(
      library,
      operations.linear3,
      LinearGradients.Arrays(
        input: buffers.hidden2,
        outputGradient: logitsGradient,
        inputGradient: hiddenGradient2,
        weight: places.linear3.weight
      ),
      buffers,
      scratchpad: scratchpad
    )
  }

  /// Runs a call and remembers the first refusal.
  @inline(__always)
  func run(_ call: Call) {
    let answer = unsafe call.run(on: stream)
    if answer != 0, status == 0 { status = answer }
  }
}
