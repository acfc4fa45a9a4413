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
  /// The longest decimal integer, in digits; each costs more than the last, and
  /// Python reads 4300 unless told to read more.
  public var maxIntegerDigits: Int
  /// The longest name of a module or of something in it, in bytes of UTF-8;
  /// one name can be imported again with each byte of a pickle.
  public var maxNameBytes: Int

  /// Limits of your choice.
  ///
  /// - Parameters:
  ///   - maxNodes: The most values.
  ///   - maxDepth: The most values and marks on the stack.
  ///   - maxMemo: The most memo entries.
  ///   - maxIntegerBytes: The longest binary integer, in bytes.
  ///   - maxIntegerDigits: The longest decimal integer, in digits.
  ///   - maxNameBytes: The longest name of a module or in it, in bytes.
  public init(
    maxNodes: Int = 1 << 30,
    maxDepth: Int = 1 << 30,
    maxMemo: Int = 1 << 30,
    maxIntegerBytes: Int = 1 << 20,
    maxIntegerDigits: Int = 1 << 13,
    maxNameBytes: Int = 1000
  ) {
    self.maxNodes = maxNodes
    self.maxDepth = maxDepth
    self.maxMemo = maxMemo
    self.maxIntegerBytes = maxIntegerBytes
    self.maxIntegerDigits = maxIntegerDigits
    self.maxNameBytes = maxNameBytes
  }

  /// The limits that are used unless others are given.
  public static let `default` = PickleLimits()
}
