internal import Dispatch
internal import Synchronization

/// Numbers that describe a tensor's elements.
struct TensorStatistics: Sendable {
  /// All elements.
  private(set) var count = 0
  /// The smallest finite element.
  private(set) var minimum = Double.infinity
  /// The largest finite element.
  private(set) var maximum = -Double.infinity
  /// The mean of the finite elements.
  private(set) var mean = 0.0
  /// How many elements are zero.
  private(set) var zeros = 0
  /// How many elements are NaN or infinite.
  private(set) var nonFinite = 0

  /// The sum of the finite elements' squared distances from their mean.
  private var squares = 0.0

  /// How many finite elements there are.
  var finite: Int { count - nonFinite }

  /// The standard deviation of all finite elements, as of a population.
  var deviation: Double {
    finite > 0 ? (squares / Double(finite)).squareRoot() : 0
  }

  /// Reads all numbers once, on all cores.
  ///
  /// - Parameters:
  ///   - numbers: A tensor's elements.
  ///   - bar: Told of the elements that are read.
  /// - Throws: What reading and converting its elements throws.
  init(_ numbers: TensorNumbers, bar: ProgressBar? = nil) throws {
    let parts = try numbers.mapRanges(bar: bar) { range in
      var part = TensorStatistics()
      try numbers.forEachBlock(in: range) { part.merge(TensorStatistics($0)) }
      return part
    }
    for part in parts { merge(part) }
  }

  private init() {}

  /// One block's statistics: two passes over what lies in the cache.
  private init(_ block: [Double]) {
    typealias Lanes = SIMD8<Double>
    count = block.count
    unsafe block.withUnsafeBytes { bytes in
      let whole = block.count / 8 * 8
      var low = Lanes(repeating: .infinity)
      var high = Lanes(repeating: -.infinity)
      var sum = Lanes.zero
      var zeros = SIMD8<Int64>.zero
      var finite = SIMD8<Int64>.zero
      let one = SIMD8<Int64>(repeating: 1)
      func add(_ lanes: Lanes, _ used: SIMDMask<SIMD8<Int64>>) {
        // A number less itself is 0, unless it is infinite or NaN.
        let isFinite = (lanes - lanes .== 0) .& used
        low.replace(with: pointwiseMin(low, lanes), where: isFinite)
        high.replace(with: pointwiseMax(high, lanes), where: isFinite)
        sum += Lanes.zero.replacing(with: lanes, where: isFinite)
        finite &+= SIMD8<Int64>.zero.replacing(with: one, where: isFinite)
        zeros &+= SIMD8<Int64>.zero.replacing(
          with: one,
          where: (lanes .== 0) .& used
        )
      }
      let all = SIMDMask<SIMD8<Int64>>(repeating: true)
      for index in stride(from: 0, to: whole, by: 8) {
        add(
          unsafe bytes.loadUnaligned(fromByteOffset: index * 8, as: Lanes.self),
          all
        )
      }
      var rest = Lanes(repeating: .nan)
      var used = SIMDMask<SIMD8<Int64>>(repeating: false)
      for index in whole..<block.count {
        rest[index - whole] = block[index]
        used[index - whole] = true
      }
      add(rest, used)
      nonFinite = count - Int(finite.wrappedSum())
      self.zeros = Int(zeros.wrappedSum())
      minimum = low.min()
      maximum = high.max()
      guard self.finite > 0 else { return }
      mean = sum.sum() / Double(self.finite)
      let center = Lanes(repeating: mean)
      var squares = Lanes.zero
      func addSquares(_ lanes: Lanes) {
        let distance = lanes - center
        let isFinite = lanes - lanes .== 0
        squares += Lanes.zero.replacing(
          with: distance * distance,
          where: isFinite
        )
      }
      for index in stride(from: 0, to: whole, by: 8) {
        addSquares(
          unsafe bytes.loadUnaligned(fromByteOffset: index * 8, as: Lanes.self)
        )
      }
      addSquares(rest)
      self.squares = squares.sum()
    }
  }

  /// Takes in the statistics of further elements (Chan, Golub and LeVeque).
  private mutating func merge(_ other: TensorStatistics) {
    let total = finite + other.finite
    if other.finite > 0 {
      let distance = other.mean - mean
      let weight = Double(other.finite) / Double(total)
      squares +=
        other.squares + distance * distance * Double(finite) * weight
      mean += distance * weight
      minimum = min(minimum, other.minimum)
      maximum = max(maximum, other.maximum)
    }
    count += other.count
    zeros += other.zeros
    nonFinite += other.nonFinite
  }

  /// How many finite elements are in each of some equal parts of their range.
  ///
  /// - Throws: As ``init(_:bar:)`` does.
  func histogram(of numbers: TensorNumbers, bins: Int) throws -> [Int] {
    guard finite > 0 else { return [Int](repeating: 0, count: bins) }
    // Halves, so that the widest range is no infinite one.
    let low = minimum / 2
    let width = maximum / 2 - low
    let scale = width > 0 ? Double(bins) / width : 0
    let parts = try numbers.mapRanges { range in
      var counts = [Int](repeating: 0, count: bins)
      try numbers.forEachBlock(in: range) { block in
        for number in block where number.isFinite {
          let bin = (number / 2 - low) * scale
          counts[bin < Double(bins) ? max(0, Int(bin)) : bins - 1] += 1
        }
      }
      return counts
    }
    return parts.reduce(into: [Int](repeating: 0, count: bins)) {
      for bin in 0..<bins { $0[bin] += $1[bin] }
    }
  }
}

extension TensorNumbers {
  /// What `body` gives for each range, worked out on all cores, in order.
  fileprivate func mapRanges<Result: Sendable>(
    bar: ProgressBar? = nil,
    _ body: @Sendable (Range<Int>) throws -> Result
  ) throws -> [Result] {
    let ranges = ranges
    let state = Mutex<(results: [Result?], done: Int, error: (any Error)?)>(
      (Array(repeating: nil, count: ranges.count), 0, nil)
    )
    DispatchQueue.concurrentPerform(iterations: ranges.count) { index in
      guard state.withLock({ $0.error == nil }) else { return }
      let result = Swift.Result { try body(ranges[index]) }
      let done = state.withLock { state in
        switch result {
        case .success(let value): state.results[index] = value
        case .failure(let error): state.error = error
        }
        state.done += ranges[index].count
        return state.done
      }
      bar?.update(done &* 8, of: count &* 8)
    }
    return try state.withLock { state in
      if let error = state.error { throw error }
      return state.results.compactMap { $0 }
    }
  }
}
