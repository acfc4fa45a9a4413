internal import CKernels

/// One BatchNorm of a training step: each thread has its own and computes the
/// same numbers, which is cheaper than to wait for another's.
@safe
final class Normalization {
  let channels: Int
  private let elements: Double
  private let parts: Int
  private let gamma: UnsafeMutablePointer<Float>
  private let beta: UnsafeMutablePointer<Float>
  private let shift: UnsafeMutablePointer<Float>

  /// y = x * scale + offset.
  let scale: FloatBuffer
  let offset: FloatBuffer
  let mean: FloatBuffer

  /// dx = gain * dy + slope * x + constant.
  let slope: FloatBuffer
  let constant: FloatBuffer

  // Σ dy and Σ dy · x̂: the gradients of beta and gamma.
  let betaGradient: FloatBuffer
  let gammaGradient: FloatBuffer

  private let exactMean: DoubleBuffer
  private let variance: DoubleBuffer
  private let inverse: DoubleBuffer

  /// gain is gamma / σ, as scale.
  var gain: FloatBuffer { scale }

  /// The pointers are to the layer's parameters.
  init(
    of block: StepBlock,
    batch: Int,
    gamma: UnsafeMutablePointer<Float>,
    beta: UnsafeMutablePointer<Float>
  ) {
    channels = block.channels
    elements = Double(batch * block.side * block.side)
    parts = batch
    unsafe self.gamma = gamma
    unsafe self.beta = beta
    unsafe shift = block.running.base
    scale = FloatBuffer(count: channels)
    offset = FloatBuffer(count: channels)
    mean = FloatBuffer(count: channels)
    slope = FloatBuffer(count: channels)
    constant = FloatBuffer(count: channels)
    betaGradient = FloatBuffer(count: channels)
    gammaGradient = FloatBuffer(count: channels)
    exactMean = DoubleBuffer(count: channels)
    variance = DoubleBuffer(count: channels)
    inverse = DoubleBuffer(count: channels)
  }

  /// Takes the images' sums of x - shift and of its square.
  func finishStatistics(_ block: StepBlock) {
    let (sums, squares) = (block.sums, block.squares)
    for c in 0..<channels {
      let first = sums.total(c, parts: parts, width: channels) / elements
      let second = squares.total(c, parts: parts, width: channels) / elements
      let m = unsafe Double(shift[c]) + first
      let v = max(0, second - first * first)
      let inverseRoot = 1 / (v + BatchNorm.epsilon).squareRoot()
      let factor = unsafe Double(gamma[c]) * inverseRoot
      unsafe exactMean.at(c).pointee = m
      unsafe variance.at(c).pointee = v
      unsafe inverse.at(c).pointee = inverseRoot
      unsafe mean.base[c] = Float(m)
      unsafe scale.base[c] = Float(factor)
      unsafe offset.base[c] = Float(Double(beta[c]) - m * factor)
    }
  }

  /// Takes the images' sums of dy and of dy * (x - mean).
  func finishGradient(_ block: StepBlock) {
    let (sums, products) = (block.gradientSums, block.gradientProducts)
    for c in 0..<channels {
      let inverseRoot = unsafe inverse.at(c).pointee
      let sum = sums.total(c, parts: parts, width: channels)
      let product = products.total(c, parts: parts, width: channels)
      let factor = unsafe Double(gamma[c]) * inverseRoot
      let slope = -factor * inverseRoot * inverseRoot * product / elements
      unsafe betaGradient.base[c] = Float(sum)
      unsafe gammaGradient.base[c] = Float(product * inverseRoot)
      unsafe self.slope.base[c] = Float(slope)
      unsafe constant.base[c] = Float(
        -factor * sum / elements - slope * exactMean.at(c).pointee
      )
    }
  }

  /// Moves the running statistics towards the batch's.
  func updateRunning(_ block: StepBlock) {
    let runningMean = unsafe block.running.base
    let runningVariance = unsafe block.runningVariance
    let share = BatchNorm.momentum
    let unbiased = elements / max(1, elements - 1)
    for c in 0..<channels {
      let m = unsafe Float(exactMean.at(c).pointee)
      let v = unsafe Float(variance.at(c).pointee * unbiased)
      unsafe runningMean[c] = share * m + (1 - share) * runningMean[c]
      unsafe runningVariance[c] = share * v + (1 - share) * runningVariance[c]
    }
  }
}
