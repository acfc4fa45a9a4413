import CKernels
import Testing

@testable import ConvNet

/// The convolution by fewer products, against its definition.
@Suite struct WinogradTests {
  private static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = TorchGenerator(seed: seed)
    return (0..<count).map { _ in generator.uniform(-1, 1) }
  }

  @Test("a row of windows is pooled from the convolution as it is defined")
  func agreesWithTheDefinition() {
    let (inputs, outputs, height) = (16, 8, 6)
    let width = 2 * Int(PTH_WINOGRAD_TILES)
    let x = Self.random(inputs * height * width, seed: 1)
    let weights = Self.random(outputs * inputs * 9, seed: 2)
    let bias = Self.random(outputs, seed: 3)
    func value(_ channel: Int, _ row: Int, _ column: Int) -> Double {
      guard (0..<height).contains(row), (0..<width).contains(column) else {
        return 0
      }
      let place = (channel / 8 * height + row) * width + column
      return Double(x[place * 8 + channel % 8])
    }
    func convolution(_ output: Int, _ row: Int, _ column: Int) -> Double {
      var sum = Double(bias[output])
      for input in 0..<inputs {
        for tap in 0..<9 {
          sum +=
            Double(weights[(output * inputs + input) * 9 + tap])
            * value(input, row + tap / 3 - 1, column + tap % 3 - 1)
        }
      }
      return sum
    }
    let (fast, portable) = run(x, weights, bias, height: height)
    var worst = 0.0
    for output in 0..<outputs {
      for row in 0..<height / 2 {
        for column in 0..<width / 2 {
          let corners = (0..<4).map {
            convolution(output, 2 * row + $0 / 2, 2 * column + $0 % 2)
          }
          let expected = max(0, corners.max() ?? 0)
          let place = (row * width / 2 + column) * 8 + output
          worst = max(worst, abs(Double(fast[place]) - expected))
          worst = max(worst, abs(Double(portable[place]) - expected))
        }
      }
    }
    #expect(worst < 1e-5)
    #expect(fast.contains { $0 > 1 })
  }

  @Test("a value that is not a number stays one")
  func keepsNaN() {
    var x = Self.random(16 * 2 * 2 * Int(PTH_WINOGRAD_TILES), seed: 1)
    x[0] = .nan
    let weights = Self.random(8 * 16 * 9, seed: 2)
    let (fast, portable) = run(x, weights, [Float](repeating: 0, count: 8))
    #expect(fast[0].isNaN)
    #expect(portable[0].isNaN)
  }

  /// Eight outputs of sixteen inputs, by both builds of the kernel.
  private func run(
    _ x: [Float],
    _ weights: [Float],
    _ bias: [Float],
    height: Int = 2
  ) -> (fast: [Float], portable: [Float]) {
    let kernels = WinogradConvolution.kernels(
      of: weights,
      inputs: 16,
      outputs: 8
    )
    let tiles = Int(PTH_WINOGRAD_TILES)
    var scratch = [Float](repeating: 9, count: 16 * tiles * 16)
    var fast = [Float](repeating: 9, count: height / 2 * tiles * 8)
    var portable = fast
    let rows = Int32(height)
    pth_winograd_relu_pool(x, kernels, bias, 16, 8, rows, &scratch, &fast)
    pth_portable_winograd_relu_pool(
      x,
      kernels,
      bias,
      16,
      8,
      rows,
      &scratch,
      &portable
    )
    return (fast, portable)
  }
}
