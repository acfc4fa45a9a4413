internal import CKernels
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
  ///   - progress: Told how many elements are read.
  /// - Throws: What reading and converting its elements throws.
  init(
    _ numbers: TensorNumbers,
    progress: @Sendable (_ done: Int) -> Void = { _ in }
  ) throws {
    let parts = try numbers.mapRanges(progress: progress) { range in
      var part = TensorStatistics()
      try unsafe numbers.forEachBlock(in: range) {
        part.merge(unsafe TensorStatistics($0))
      }
      return part
    }
    for part in parts { merge(part) }
  }

  private init() {}

  /// One block's statistics.
  private init(_ block: UnsafeBufferPointer<Double>) {
    var summary = pth_summary()
    unsafe pth_summarize(block.baseAddress, Int64(block.count), &summary)
    count = block.count
    minimum = summary.minimum
    maximum = summary.maximum
    mean = summary.mean
    squares = summary.squares
    zeros = Int(summary.zeros)
    nonFinite = block.count - Int(summary.finite)
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
  /// - Throws: As ``init(_:progress:)`` does.
  func histogram(of numbers: TensorNumbers, bins: Int) throws -> [Int] {
    guard finite > 0 else { return [Int](repeating: 0, count: bins) }
    // Halves, so that the widest range is no infinite one.
    let low = minimum / 2
    let width = maximum / 2 - low
    let scale = width > 0 ? Double(bins) / width : 0
    let parts = try numbers.mapRanges { range in
      // The last one counts what is not finite.
      var counts = [Int64](repeating: 0, count: bins + 1)
      try unsafe numbers.forEachBlock(in: range) { block in
        unsafe pth_histogram(
          block.baseAddress,
          Int64(block.count),
          low,
          scale,
          Int32(bins),
          &counts
        )
      }
      return counts
    }
    return parts.reduce(into: [Int](repeating: 0, count: bins)) {
      for bin in 0..<bins { $0[bin] += Int($1[bin]) }
    }
  }
}

extension TensorNumbers {
  /// What `body` gives for each range, worked out on all cores, in order.
  fileprivate func mapRanges<Result: Sendable>(
    progress: @Sendable (_ done: Int) -> Void = { _ in },
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
      progress(done)
    }
    return try state.withLock { state in
      if let error = state.error { throw error }
      return state.results.compactMap { $0 }
    }
  }
}
