internal import Foundation

/// Random numbers that are the same in each run: SplitMix64.
///
/// The seed is printed, so that a failure can be repeated; the environment
/// variable `PTH_TEST_SEED` gives another one.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts at a seed.
  ///
  /// - Parameters:
  ///   - seed: The seed, unless `PTH_TEST_SEED` is set.
  ///   - name: What the numbers are for, printed with the seed.
  public init(seed: UInt64 = 1, for name: String) {
    let wish = ProcessInfo.processInfo.environment["PTH_TEST_SEED"]
    state = wish.flatMap { UInt64($0) } ?? seed
    print("\(name): random numbers from PTH_TEST_SEED=\(state)")
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Random bytes.
  ///
  /// - Parameter count: How many.
  /// - Returns: The bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 56) }
  }
}
