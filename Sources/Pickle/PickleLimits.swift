/// How much one pickle may ask for before decoding is refused.
///
/// Memory follows the bytes that are there, never a length that they claim,
/// so the default limits are generous: they only stop pickles that no
/// program would write.
public struct PickleLimits: Sendable, Hashable {
  /// The most values that one pickle may make.
  public var maxNodes: Int
  /// The most values and marks that may be on the stack at a time.
  public var maxDepth: Int
  /// The most memo entries.
  public var maxMemo: Int
  /// The longest binary integer, in bytes.
  public var maxIntegerBytes: Int
  /// The longest decimal integer, in digits; each costs more than the last.
  public var maxIntegerDigits: Int

  /// Limits of your choice.
  ///
  /// - Parameters:
  ///   - maxNodes: The most values.
  ///   - maxDepth: The most values and marks on the stack.
  ///   - maxMemo: The most memo entries.
  ///   - maxIntegerBytes: The longest binary integer, in bytes.
  ///   - maxIntegerDigits: The longest decimal integer, in digits.
  public init(
    maxNodes: Int = 1 << 30,
    maxDepth: Int = 1 << 30,
    maxMemo: Int = 1 << 30,
    maxIntegerBytes: Int = 1 << 20,
    maxIntegerDigits: Int = 1 << 16
  ) {
    self.maxNodes = maxNodes
    self.maxDepth = maxDepth
    self.maxMemo = maxMemo
    self.maxIntegerBytes = maxIntegerBytes
    self.maxIntegerDigits = maxIntegerDigits
  }

  /// The limits that are used unless others are given.
  public static let `default` = PickleLimits()
}
