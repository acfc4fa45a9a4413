import CKernels
import Testing

@testable import ConvNet

/// The portable kernels against those for this processor: the same up to
/// rounding.
@Suite struct PortableKernelTests {
  private static func random(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var generator = TorchGenerator(seed: seed)
    return (0..<count).map { _ in generator.uniform(-1, 1) }
  }

  private static func near(_ a: [Float], _ b: [Float]) -> Bool {
    distance(a.map(Double.init), b.map(Double.init)) < 2e-5
  }

  @Test func findTheSameStatistics() {
    let x = Self.random(16 * 5 * 7)
    let shift = Self.random(16, seed: 2)
    var sums0 = [Double](repeating: 0.5, count: 16)
    var sums1 = [Double](repeating: 0.5, count: 16)
    var sums2 = [Double](repeating: 0.5, count: 16)
    var sums3 = [Double](repeating: 0.5, count: 16)
    pth_batch_statistics(x, shift, 16, 5, 7, &sums0, &sums1)
    pth_portable_batch_statistics(x, shift, 16, 5, 7, &sums2, &sums3)
    #expect(distance(sums0, sums2) < 1e-5)
    #expect(distance(sums1, sums3) < 1e-5)
    // Against the definition, for one channel of each block.
    for channel in [3, 12] {
      let values = (0..<35).map {
        Double(x[(channel / 8 * 35 + $0) * 8 + channel % 8] - shift[channel])
      }
      #expect(abs(sums0[channel] - values.reduce(0.5, +)) < 1e-5)
      let squares = values.reduce(0.5) { $0 + $1 * $1 }
      #expect(abs(sums1[channel] - squares) < 1e-5)
    }
  }

  @Test func normalizeAndPoolAlike() {
    let x = Self.random(16 * 6 * 4)
    let scale = Self.random(16, seed: 2)
    let offset = Self.random(16, seed: 3)
    var y0 = [Float](repeating: 9, count: 96)
    var y1 = [Float](repeating: 9, count: 96)
    var y2 = [Float](repeating: 9, count: 96)
    var y3 = [Float](repeating: 9, count: 96)
    var winners0 = [UInt8](repeating: 9, count: 96)
    var winners1 = [UInt8](repeating: 9, count: 96)
    pth_normalize_relu_pool(
      x,
      scale,
      offset,
      16,
      6,
      4,
      &y0,
      &winners0,
      &y1
    )
    pth_portable_normalize_relu_pool(
      x,
      scale,
      offset,
      16,
      6,
      4,
      &y2,
      &winners1,
      &y3
    )
    #expect(Self.near(y0, y2))
    #expect(winners0 == winners1)
    #expect(Self.near(y1, y3))
    for block in 0..<2 {
      for (place, lane) in [(0, 1), (3, 6), (5, 7)] {
        let row = place / 2
        let column = place % 2
        let channel = block * 8 + lane
        let values = (0..<4).map { corner in
          let at = (block * 6 + 2 * row + corner / 2) * 4 + 2 * column
          return x[(at + corner % 2) * 8 + lane] * scale[channel]
            + offset[channel]
        }
        let best = values.max() ?? 0
        let index = (block * 6 + place) * 8 + lane
        #expect(abs(y0[index] - max(0, best)) < 1e-6)
        let winner = best > 0 ? values.firstIndex(of: best) ?? 4 : 4
        #expect(Int(winners0[index]) == winner)
      }
    }
    var pooled0 = [Float](repeating: 0, count: 96)
    var pooled1 = [Float](repeating: 0, count: 96)
    pth_max_pool(x, 16, 6, 4, &pooled0)
    pth_portable_max_pool(x, 16, 6, 4, &pooled1)
    #expect(pooled0 == pooled1)
  }

  @Test func findTheSameGradients() {
    let x = Self.random(16 * 6 * 4)
    let dy = Self.random(96, seed: 2)
    let chosen = Self.random(96, seed: 3)
    let winners = (0..<96).map { UInt8($0 * 7 % 5) }
    let a = Self.random(16, seed: 4)
    let b = Self.random(16, seed: 5)
    let c = Self.random(16, seed: 6)
    var sums0 = [Double](repeating: 0, count: 16)
    var sums1 = [Double](repeating: 0, count: 16)
    var sums2 = [Double](repeating: 0, count: 16)
    var sums3 = [Double](repeating: 0, count: 16)
    var sums4 = [Double](repeating: 0, count: 16)
    var sums5 = [Double](repeating: 0, count: 16)
    var sums6 = [Double](repeating: 0, count: 16)
    var sums7 = [Double](repeating: 0, count: 16)
    pth_normalize_gradient_sums(
      dy,
      winners,
      chosen,
      a,
      16,
      6,
      &sums0,
      &sums1
    )
    pth_portable_normalize_gradient_sums(
      dy,
      winners,
      chosen,
      a,
      16,
      6,
      &sums2,
      &sums3
    )
    #expect(distance(sums0, sums2) < 1e-5)
    #expect(distance(sums1, sums3) < 1e-5)
    var dx0 = [Float](repeating: 0, count: 384)
    var dx1 = [Float](repeating: 0, count: 384)
    pth_normalize_gradient(x, dy, winners, a, b, c, 16, 6, 4, &dx0, &sums4)
    pth_portable_normalize_gradient(
      x,
      dy,
      winners,
      a,
      b,
      c,
      16,
      6,
      4,
      &dx1,
      &sums5
    )
    #expect(Self.near(dx0, dx1))
    #expect(distance(sums4, sums5) < 1e-5)
    let image = Self.random(8 * 6, seed: 7)
    var row = [Float](repeating: 0, count: 64)
    var weights0 = [Float](repeating: 0, count: 144)
    var weights1 = [Float](repeating: 0, count: 144)
    pth_first_weight_gradient(
      image,
      x,
      dy,
      winners,
      a,
      b,
      c,
      16,
      6,
      4,
      &row,
      &weights0,
      &sums6
    )
    pth_portable_first_weight_gradient(
      image,
      x,
      dy,
      winners,
      a,
      b,
      c,
      16,
      6,
      4,
      &row,
      &weights1,
      &sums7
    )
    #expect(Self.near(weights0, weights1))
    #expect(distance(sums6, sums4) < 1e-5)
    #expect(distance(sums7, sums4) < 1e-5)
  }

  @Test(arguments: [1, 8, 37, 1100])
  func addUpAndStepAlike(_ count: Int) {
    let x = Self.random(count * 3)
    var y0 = [Float](repeating: 0, count: count)
    var y1 = [Float](repeating: 0, count: count)
    var y2 = [Float](repeating: 0, count: count)
    var y3 = [Float](repeating: 0, count: count)
    pth_add_parts(x, 3, Int32(count), Int32(count), &y0)
    pth_portable_add_parts(x, 3, Int32(count), Int32(count), &y1)
    pth_column_sums(x, 3, Int32(count), Int32(count), &y2)
    pth_portable_column_sums(x, 3, Int32(count), Int32(count), &y3)
    #expect(y0 == y1)
    #expect(y2 == y3)
    #expect(Self.near(y0, y2))
    let squares = pth_sum_of_squares(x, Int32(count * 3))
    let expected = x.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(squares - expected) < 1e-5 * expected)
    let portable = pth_portable_sum_of_squares(x, Int32(count * 3))
    #expect(abs(portable - expected) < 1e-5 * expected)
    var gradient0 = Array(x.prefix(count))
    var gradient1 = gradient0
    pth_relu_gradient(y0, 1, Int32(count), Int32(count), &gradient0)
    pth_portable_relu_gradient(
      y0,
      1,
      Int32(count),
      Int32(count),
      &gradient1
    )
    #expect(gradient0 == gradient1)
    var options = pth_adam()
    options.clip = 0.5
    options.weight_decay = 0.01
    options.beta1 = 0.9
    options.rest1 = 0.1
    options.beta2 = 0.99
    options.rest2 = 0.01
    options.epsilon = 1e-8
    options.step_size = 0.02
    options.root_correction = 0.3
    let parameter = Self.random(count, seed: 8)
    var state0 = parameter
    var state1 = y2
    var state2 = y3.map(abs)
    var state3 = state0
    var state4 = state1
    var state5 = state2
    let g = Array(x.suffix(count))
    pth_adam_step(&options, g, Int32(count), &state0, &state1, &state2)
    pth_portable_adam_step(
      &options,
      g,
      Int32(count),
      &state3,
      &state4,
      &state5
    )
    #expect(Self.near(state0, state3))
    #expect(Self.near(state1, state4))
    #expect(Self.near(state2, state5))
    // Against the definition, in double precision.
    for index in [0, count / 2, count - 1] {
      let p = Double(parameter[index])
      let slope = Double(g[index]) * 0.5 + 0.01 * p
      let mean = 0.9 * Double(y2[index]) + 0.1 * slope
      let square = 0.99 * Double(abs(y3[index])) + 0.01 * slope * slope
      let moved = p - 0.02 * mean / (square.squareRoot() / 0.3 + 1e-8)
      #expect(abs(Double(state0[index]) - moved) < 1e-5)
    }
  }

  @Test(arguments: [(1, 7, 1), (4, 16, 3), (6, 43, 8), (16, 1568, 28)])
  func multiplyAlike(rows: Int, inputs: Int, outputs: Int) {
    let x = Self.random(rows * inputs)
    let weights = Self.random(outputs * inputs, seed: 2)
    let bias = Self.random(outputs, seed: 3)
    let stride = outputs + 2
    for relu in [false, true] {
      var found = [Float](repeating: 7, count: rows * stride)
      var portable = found
      pth_linear(
        x,
        weights,
        bias,
        Int32(rows),
        Int32(inputs),
        Int32(outputs),
        Int32(stride),
        relu,
        &found
      )
      pth_portable_linear(
        x,
        weights,
        bias,
        Int32(rows),
        Int32(inputs),
        Int32(outputs),
        Int32(stride),
        relu,
        &portable
      )
      #expect(Self.near(found, portable))
      for (row, output) in [(0, 0), (rows - 1, outputs - 1), (rows / 2, 0)] {
        let sum = (0..<inputs).reduce(Double(bias[output])) {
          $0 + Double(x[row * inputs + $1])
            * Double(weights[output * inputs + $1])
        }
        let expected = relu ? max(0, sum) : sum
        #expect(abs(Double(found[row * stride + output]) - expected) < 2e-5)
      }
      // Nothing between the rows is touched.
      #expect(found[outputs] == 7)
    }
  }

  @Test(arguments: [1, 7, 8, 1001])
  func summarizeAlike(count: Int) {
    var x = Self.random(count).map { Double($0) + 1e6 }
    for (index, value) in [0, .nan, -.infinity, .infinity, -0.0].enumerated()
    where index + 2 < count { x[index + 2] = value }
    var summary = pth_summary()
    var portable = pth_summary()
    pth_summarize(x, Int64(count), &summary)
    pth_portable_summarize(x, Int64(count), &portable)
    let finite = x.filter(\.isFinite)
    let mean = finite.reduce(0, +) / Double(finite.count)
    let squares = finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    for found in [summary, portable] {
      #expect(found.minimum == finite.min())
      #expect(found.maximum == finite.max())
      #expect(found.finite == finite.count)
      #expect(found.zeros == x.filter { $0 == 0 }.count)
      #expect(abs(found.mean - mean) <= 1e-9 * mean)
      #expect(abs(found.squares - squares) <= 1e-9 * (squares + 1))
    }
  }

  @Test func countAlike() {
    var x = Self.random(1001).map(Double.init)
    x += [.nan, .infinity, -1, 1]
    var counts = [Int64](repeating: 0, count: 11)
    var portable = counts
    pth_histogram(x, Int64(x.count), -0.5, 10, 10, &counts)
    pth_portable_histogram(x, Int64(x.count), -0.5, 10, 10, &portable)
    #expect(counts == portable)
    var expected = [Int64](repeating: 0, count: 11)
    for number in x {
      let bin = number.isFinite ? min(9, Int((number / 2 + 0.5) * 10)) : 10
      expected[bin] += 1
    }
    #expect(counts == expected)
    // A range too narrow for a scale still counts every number once.
    var narrow = [Int64](repeating: 0, count: 4)
    pth_histogram(x, Int64(x.count), 0, .infinity, 3, &narrow)
    #expect(narrow.reduce(0, +) == Int64(x.count))
    #expect(narrow[3] == 2)
  }
}
