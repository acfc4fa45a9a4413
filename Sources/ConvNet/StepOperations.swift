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
  let linear1: LinearGradientOperations
  let linear2: LinearGradientOperations
  let linear3: LinearGradientOperations

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
    linear1 = try LinearGradientOperations(
      library,
      LinearShape(
        batch: batch,
        inputs: 1568,
        outputs: 392,
        rows: StepChunks.rows1,
        columns: StepChunks.columns1
      )
    )
    linear2 = try LinearGradientOperations(
      library,
      LinearShape(
        batch: batch,
        inputs: 392,
        outputs: 196,
        rows: StepChunks.rows2,
        columns: StepChunks.columns2
      )
    )
    linear3 = try LinearGradientOperations(
      library,
      LinearShape(
        batch: batch,
        inputs: 196,
        outputs: 10,
        rows: 10,
        columns: 196
      )
    )
    packed1 = FloatBuffer(count: forward1.weightCount)
    packed2 = FloatBuffer(count: forward2.weightCount)
    packedForGradient2 = FloatBuffer(count: inputGradient2.weightCount)
    let all =
      [
        forward1, forward2, inputGradient2, weightGradient2, pack1, pack2,
        packForGradient2, unpack2,
      ] + linear1.all + linear2.all + linear3.all
    scratchpadCount = all.map(\.scratchpadCount).max() ?? 0
  }
}
