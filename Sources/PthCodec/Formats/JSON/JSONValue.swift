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
    var text = ""
    append(to: &text, indent: indent, level: 0)
    return text
  }

  // Values are made by this package, never read: no depth to guard against.
  private func append(to text: inout String, indent: Int?, level: Int) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += String(value)
    case .double(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.append(value, to: &text)
    case .array(let values):
      Self.append(values.count, "[]", to: &text, indent, level) {
        values[$0].append(to: &$1, indent: indent, level: level + 1)
      }
    case .object(let members):
      Self.append(members.count, "{}", to: &text, indent, level) {
        Self.append(members[$0].key, to: &$1)
        $1 += indent == nil ? ":" : ": "
        members[$0].value.append(to: &$1, indent: indent, level: level + 1)
      }
    }
  }

  private static func append(
    _ count: Int,
    _ brackets: String,
    to text: inout String,
    _ indent: Int?,
    _ level: Int,
    _ item: (Int, inout String) -> Void
  ) {
    text += brackets.prefix(1)
    for index in 0..<count {
      if index > 0 { text += "," }
      if let indent {
        text += "\n" + String(repeating: " ", count: indent * (level + 1))
      }
      item(index, &text)
    }
    if let indent, count > 0 {
      text += "\n" + String(repeating: " ", count: indent * level)
    }
    text += brackets.suffix(1)
  }

  /// Appends a string in quotes: only what must be is escaped.
  private static func append(_ string: String, to text: inout String) {
    text += "\""
    defer { text += "\"" }
    // Nearly all strings are copied as they are.
    let isPlain = string.utf8.allSatisfy {
      $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    guard !isPlain else { return text += string }
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\u{08}": text += "\\b"
      case "\u{0c}": text += "\\f"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case ..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}
