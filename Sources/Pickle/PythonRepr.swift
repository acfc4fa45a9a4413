/// Values as Python's `repr` shows them.
package enum PythonRepr {
  /// A string, given in UTF-8 that may have lone surrogates.
  static func string(_ utf8: UnsafeRawBufferPointer) -> String {
    let apostrophe = UInt8(ascii: "'")
    let doubled = UInt8(ascii: "\"")
    let quote =
      unsafe utf8.contains(apostrophe) && !utf8.contains(doubled)
      ? doubled : apostrophe
    var text: [UInt8] = [quote]
    text.reserveCapacity(utf8.count + 2)
    unsafe EscapedText.forEachScalar(utf8) { scalar in
      append(scalar, quote: quote, to: &text)
    }
    text.append(quote)
    return String(decoding: text, as: UTF8.self)
  }

  /// Bytes, with the `b` in front.
  package static func bytes(_ bytes: UnsafeRawBufferPointer) -> String {
    let quoted = unsafe EscapedText.quoted(bytes)
    return "b" + String(decoding: quoted, as: UTF8.self)
  }

  private static func append(
    _ scalar: UInt32,
    quote: UInt8,
    to text: inout [UInt8]
  ) {
    switch scalar {
    case 0x5c, UInt32(quote):
      text.append(0x5c)
      text.append(UInt8(truncatingIfNeeded: scalar))
    case 9: text += "\\t".utf8
    case 10: text += "\\n".utf8
    case 13: text += "\\r".utf8
    case 32..<127: text.append(UInt8(truncatingIfNeeded: scalar))
    default:
      guard let valid = Unicode.Scalar(scalar), isPrintable(valid) else {
        return appendEscape(scalar, to: &text)
      }
      text += String(Character(valid)).utf8
    }
  }

  private static func appendEscape(_ scalar: UInt32, to text: inout [UInt8]) {
    let (prefix, digits) =
      scalar < 0x100 ? ("\\x", 2) : scalar < 0x10000 ? ("\\u", 4) : ("\\U", 8)
    text += prefix.utf8
    text += zeroPadded(scalar, radix: 16, width: digits).utf8
  }

  /// As `str.isprintable`: neither control nor separator, except the space.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned,
      .lineSeparator, .paragraphSeparator, .spaceSeparator:
      false
    default: true
    }
  }
}
