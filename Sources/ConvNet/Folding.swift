internal import Tensors

/// A convolution that does what it and the BatchNorm after it do.
struct FoldedConvolution {
  let weights: [Float]
  let bias: [Float]

  /// Folds the running statistics into the weights, in double precision.
  init(_ convolution: Weighted, _ normalization: BatchNorm) {
    let channels = convolution.bias.values.count
    let taps = convolution.weight.values.count / channels
    var weights = convolution.weight.values
    var bias = convolution.bias.values
    for channel in 0..<channels {
      let variance = Double(normalization.runningVariance.values[channel])
      let scale =
        Double(normalization.weight.values[channel])
        / (variance + BatchNorm.epsilon).squareRoot()
      for tap in channel * taps..<(channel + 1) * taps {
        weights[tap] = Float(Double(weights[tap]) * scale)
      }
      let mean = Double(normalization.runningMean.values[channel])
      bias[channel] = Float(
        (Double(bias[channel]) - mean) * scale
          + Double(normalization.bias.values[channel])
      )
    }
    self.weights = weights
    self.bias = bias
  }
}
