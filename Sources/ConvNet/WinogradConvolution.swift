internal import CKernels

/// The folded second convolution, its ReLU and its pooling in one kernel.
///
/// Winograd's algorithm needs 16 products where the definition has 36, which
/// makes a batch a quarter faster.
@safe
final class WinogradConvolution: Sendable {
  private let kernels: FloatBuffer
  private let bias: FloatBuffer
  private let shape: ConvolutionShape

  /// The rows of G, which takes three taps to four points.
  private static let points: [[Double]] = [
    [1, 0, 0],
    [0.5, 0.5, 0.5],
    [0.5, -0.5, 0.5],
    [0, 0, 1],
  ]

  /// Transforms the kernels, in double precision.
  ///
  /// - Parameters:
  ///   - folded: Weights `[outputs, inputs, 3, 3]`.
  ///   - shape: Its channels and size, which the kernel must be made for.
  init(_ folded: FoldedConvolution, _ shape: ConvolutionShape) {
    self.shape = shape
    bias = FloatBuffer(of: folded.bias)
    kernels = FloatBuffer(
      of: Self.kernels(
        of: folded.weights,
        inputs: shape.inputs,
        outputs: shape.outputs
      )
    )
  }

  /// From `[outputs, inputs, 3, 3]` to `[16, inputs, outputs]`.
  static func kernels(
    of weights: [Float],
    inputs: Int,
    outputs: Int
  ) -> [Float] {
    var kernels = [Float](repeating: 0, count: 16 * inputs * outputs)
    for output in 0..<outputs {
      for input in 0..<inputs {
        let first = (output * inputs + input) * 9
        let taps = weights[first..<first + 9].map(Double.init)
        for (point, value) in transformed(taps).enumerated() {
          kernels[(point * inputs + input) * outputs + output] = Float(value)
        }
      }
    }
    return kernels
  }

  /// G times the 3x3 taps times G transposed, row by row.
  private static func transformed(_ taps: [Double]) -> [Double] {
    points.flatMap { down in
      points.map { across in
        (0..<9).reduce(0) { $0 + down[$1 / 3] * taps[$1] * across[$1 % 3] }
      }
    }
  }

  /// The floats that a call needs for itself.
  var scratchCount: Int { 16 * Int(PTH_WINOGRAD_TILES) * shape.inputs }

  /// Computes one blocked image's pooled features.
  func run(
    _ source: FloatBuffer,
    scratch: FloatBuffer,
    to target: FloatBuffer
  ) {
    unsafe pth_winograd_relu_pool(
      source.base,
      kernels.base,
      bias.base,
      Int32(shape.inputs),
      Int32(shape.outputs),
      Int32(shape.size),
      scratch.base,
      target.base
    )
  }
}
