extension Opcode {
  /// How an opcode's argument is written after its byte.
  public enum ArgumentKind: Sendable, Hashable {
    /// An unsigned integer of 1, 2, 4 or 8 bytes, little-endian.
    case uint1, uint2, uint4, uint8
    /// A signed 4-byte integer, little-endian.
    case int4
    /// A decimal integer that ends at a newline; `00` and `01` are booleans.
    case decimalLine
    /// A decimal integer that may end in `L`, then a newline.
    case longLine
    /// A two's complement integer after a length of 1 or 4 bytes.
    case long1, long4
    /// A quoted Python string with escapes, then a newline.
    case quotedLine
    /// Text without escapes that ends at a newline, once or twice.
    case line, linePair
    /// A raw-unicode-escape string that ends at a newline.
    case unicodeLine
    /// A Python 2 string after a length of 1 or 4 bytes.
    case string1, string4
    /// Bytes after a length of 1, 4 or 8 bytes.
    case bytes1, bytes4, bytes8
    /// A byte array after a length of 8 bytes.
    case byteArray8
    /// A UTF-8 string after a length of 1, 4 or 8 bytes.
    case unicode1, unicode4, unicode8
    /// A decimal float that ends at a newline.
    case floatLine
    /// A float of 8 bytes, big-endian.
    case float8
  }

  /// What `pickletools` calls the things on the stack.
  public enum StackItem: String, Sendable, Hashable {
    /// A value of this Python type.
    case int, bytes, buffer, bool, float, list, tuple, dict, set, any, mark
    /// An integer or a boolean.
    case intOrBool = "int_or_bool"
    /// Bytes or a string, as the reader decides.
    case bytesOrString = "bytes_or_str"
    /// A byte array.
    case byteArray = "bytearray"
    /// `None`.
    case none = "None"
    /// A string.
    case string = "str"
    /// Everything above the topmost mark.
    case slice = "stackslice"
    /// A frozen set.
    case frozenSet = "frozenset"
  }

  /// What is known of an opcode: its names, its argument, its stack effect.
  public struct Descriptor: Sendable, Hashable {
    /// The opcode that this describes.
    public let opcode: Opcode
    /// The name in `pickletools`, such as `SHORT_BINUNICODE`.
    public let name: String
    /// How the argument is written, or nil for an opcode without one.
    public let argument: ArgumentKind?
    /// The first protocol that has the opcode.
    public let firstProtocol: Int
    /// What the opcode takes from the stack, the top last.
    public let stackBefore: [StackItem]
    /// What the opcode leaves on the stack, the top last.
    public let stackAfter: [StackItem]

    init(
      _ opcode: Opcode,
      _ name: String,
      _ argument: ArgumentKind?,
      _ firstProtocol: Int,
      _ stackBefore: [StackItem],
      _ stackAfter: [StackItem]
    ) {
      self.opcode = opcode
      self.name = name
      self.argument = argument
      self.firstProtocol = firstProtocol
      self.stackBefore = stackBefore
      self.stackAfter = stackAfter
    }
  }

  /// The opcode's entry in the table, as `pickletools` describes it.
  public var descriptor: Descriptor {
    Self.table[Int(rawValue)]
      ?? Descriptor(self, "\(self)", nil, 0, [], [])
  }

  /// The name in `pickletools`, such as `SHORT_BINUNICODE`.
  public var name: String { descriptor.name }
}
