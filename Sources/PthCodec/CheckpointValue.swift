/// A value that is not a tensor.
public struct CheckpointValue: Sendable, Hashable {
  /// The path through the object, joined by dots; empty for the root.
  public let path: String

  /// Python's name of the value's type, such as `int` or `argparse.Namespace`.
  public let type: String

  /// The value itself.
  public let value: PlainValue

  /// Makes a value.
  ///
  /// - Parameters:
  ///   - path: The path through the object.
  ///   - type: Python's name of the type.
  ///   - value: The value itself.
  public init(path: String, type: String, value: PlainValue) {
    self.path = path
    self.type = type
    self.value = value
  }
}

/// A Python value that needs no class.
public enum PlainValue: Sendable, Hashable {
  /// `None`, an empty container, or an object that has no plain value.
  case none
  /// A truth value.
  case bool(Bool)
  /// An integer of at most 64 bits.
  case int(Int)
  /// A larger integer, in decimal digits.
  case bigInt(String)
  /// A floating-point number.
  case float(Double)
  /// Text.
  case string(String)
  /// Bytes.
  case bytes([UInt8])
  /// A class, a function or an object, described in words.
  case described(String)
}
