internal import Pickle

/// A value to be written as JSON (RFC 8259), with its keys in order.
package enum JSONValue: Sendable {
  /// `null`.
  case null
  /// A truth value.
  case bool(Bool)
  /// An integer.
  case int(Int)
  /// A number; `null` where it is infinite or NaN, which JSON can't say.
  case double(Double)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object's members.
  case object([(key: String, value: JSONValue)])

  /// The value's text.
  ///
  /// - Parameter indent: The spaces of one level; nil for one line.
  /// - Returns: JSON without a newline at its end.
  package func text(indent: Int? = nil) -> String {
    String(decoding: bytes(indent: indent), as: UTF8.self)
  }

  /// The value's text in UTF-8.
  ///
  /// - Parameter indent: The spaces of one level; nil for one line.
  /// - Returns: JSON without a newline at its end.
  package func bytes(indent: Int? = nil) -> [UInt8] {
    var text: [UInt8] = []
    append(to: &text, indent: indent, level: 0) { _ in }
    return text
  }

  /// Writes the value's text in pieces, so that a long one is never whole in
  /// memory.
  ///
  /// - Parameters:
  ///   - indent: The spaces of one level; nil for one line.
  ///   - sink: Takes each piece in turn; none ends within a character.
  package func write(indent: Int? = nil, to sink: (String) -> Void) {
    var text: [UInt8] = []
    append(to: &text, indent: indent, level: 0) { text in
      guard text.count >= Self.pieceSize else { return }
      sink(String(decoding: text, as: UTF8.self))
      text.removeAll(keepingCapacity: true)
    }
    sink(String(decoding: text, as: UTF8.self))
  }

  private static let pieceSize = 1 << 16

  // Values are made by this package, never read: no depth to guard against.
  private func append(
    to text: inout [UInt8],
    indent: Int?,
    level: Int,
    afterItem: (inout [UInt8]) -> Void
  ) {
    switch self {
    case .null: text += "null".utf8
    case .bool(let value): text += (value ? "true" : "false").utf8
    case .int(let value): text += String(value).utf8
    case .double(let value):
      text += (value.isFinite ? "\(value)" : "null").utf8
    case .string(let value): Self.append(value, to: &text)
    case .array(let values):
      Self.append(values.count, "[", "]", to: &text, indent, level) {
        values[$0].append(
          to: &$1,
          indent: indent,
          level: level + 1,
          afterItem: afterItem
        )
        afterItem(&$1)
      }
    case .object(let members):
      Self.append(members.count, "{", "}", to: &text, indent, level) {
        Self.append(members[$0].key, to: &$1)
        $1 += (indent == nil ? ":" : ": ").utf8
        members[$0].value.append(
          to: &$1,
          indent: indent,
          level: level + 1,
          afterItem: afterItem
        )
        afterItem(&$1)
      }
    }
  }

  private static func append(
    _ count: Int,
    _ opening: Unicode.Scalar,
    _ closing: Unicode.Scalar,
    to text: inout [UInt8],
    _ indent: Int?,
    _ level: Int,
    _ item: (Int, inout [UInt8]) -> Void
  ) {
    text.append(UInt8(ascii: opening))
    for index in 0..<count {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      if let indent { startLine(indent * (level + 1), in: &text) }
      item(index, &text)
    }
    if let indent, count > 0 { startLine(indent * level, in: &text) }
    text.append(UInt8(ascii: closing))
  }

  private static func startLine(_ spaces: Int, in text: inout [UInt8]) {
    text.append(UInt8(ascii: "\n"))
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: spaces))
  }

  /// Appends a string in quotes: only what must be is escaped.
  private static func append(_ string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    var string = string
    string.withUTF8 { utf8 in
      // What needs no escape is copied in one piece.
      var start = 0
      for index in 0..<utf8.count {
        let byte = unsafe utf8[index]
        // A long text has few others, or none.
        if byte >= 0x20, byte != UInt8(ascii: "\""),
          byte != UInt8(ascii: "\\")
        {
          continue
        }
        guard let escape = escape(byte) else { continue }
        unsafe text.append(contentsOf: utf8[start..<index])
        text += escape.utf8
        start = index + 1
      }
      unsafe text.append(contentsOf: utf8[start...])
    }
    text.append(UInt8(ascii: "\""))
  }

  /// How a byte of a string is written; nil for most, which stay.
  private static func escape(_ byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "\""): return "\\\""
    case UInt8(ascii: "\\"): return "\\\\"
    case 0x08: return "\\b"
    case 0x0c: return "\\f"
    case UInt8(ascii: "\n"): return "\\n"
    case UInt8(ascii: "\r"): return "\\r"
    case UInt8(ascii: "\t"): return "\\t"
    case ..<0x20: return "\\u" + zeroPadded(byte, radix: 16, width: 4)
    default: return nil
    }
  }
}
