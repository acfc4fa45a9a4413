/// Undoes the escapes in protocol 0's strings.
enum EscapedText {
  /// The bytes of a Python 2 string literal; nil when an escape is broken.
  static func bytes(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    var plain: [UInt8] = []
    var i = 0
    let count = text.count
    while i < count {
      let byte = unsafe text[i]
      i += 1
      guard byte == UInt8(ascii: "\\") else {
        plain.append(byte)
        continue
      }
      guard i < count else { return nil }
      let escape = unsafe text[i]
      i += 1
      switch escape {
      case 0x0a: break
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""):
        plain.append(escape)
      case UInt8(ascii: "a"): plain.append(7)
      case UInt8(ascii: "b"): plain.append(8)
      case UInt8(ascii: "t"): plain.append(9)
      case UInt8(ascii: "n"): plain.append(10)
      case UInt8(ascii: "v"): plain.append(11)
      case UInt8(ascii: "f"): plain.append(12)
      case UInt8(ascii: "r"): plain.append(13)
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        var value = Int(escape & 7)
        var digits = 1
        while digits < 3, i < count, unsafe text[i] & 0xf8 == 0x30 {
          value = unsafe value * 8 + Int(text[i] & 7)
          i += 1
          digits += 1
        }
        plain.append(UInt8(truncatingIfNeeded: value))
      case UInt8(ascii: "x"):
        guard let value = unsafe hexadecimal(text, at: i, digits: 2) else {
          return nil
        }
        plain.append(UInt8(truncatingIfNeeded: value))
        i += 2
      default:
        // Python keeps the backslash of an escape that it does not know.
        plain.append(UInt8(ascii: "\\"))
        plain.append(escape)
      }
    }
    return plain
  }

  /// Raw-unicode-escape text in UTF-8, a lone surrogate in three bytes; nil
  /// when an escape is broken.
  static func unicode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    var plain: [UInt8] = []
    var i = 0
    let count = text.count
    while i < count {
      let byte = unsafe text[i]
      i += 1
      guard byte == UInt8(ascii: "\\"), i < count else {
        append(UInt32(byte), to: &plain)
        continue
      }
      let escape = unsafe text[i]
      i += 1
      let digits: Int
      switch escape {
      case UInt8(ascii: "u"): digits = 4
      case UInt8(ascii: "U"): digits = 8
      default:
        plain.append(byte)
        append(UInt32(escape), to: &plain)
        continue
      }
      guard let value = unsafe hexadecimal(text, at: i, digits: digits),
        value <= 0x10ffff
      else { return nil }
      append(value, to: &plain)
      i += digits
    }
    return plain
  }

  /// The bytes that UTF-8 text is in Latin-1; nil where it has other letters.
  static func latin1Bytes(ofUTF8 text: UnsafeRawBufferPointer) -> [UInt8]? {
    var plain: [UInt8] = []
    plain.reserveCapacity(text.count)
    var lead: UInt8 = 0
    for index in 0..<text.count {
      let byte = unsafe text[index]
      switch byte {
      case 0..<0x80: plain.append(byte)
      case 0x80..<0xc0: plain.append(lead << 6 | byte & 0x3f)
      case 0xc2, 0xc3: lead = byte
      default: return nil
      }
    }
    return plain
  }

  private static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 {
      UInt8(truncatingIfNeeded: 0x80 | scalar >> shift & 0x3f)
    }
    switch scalar {
    case 0..<0x80: bytes.append(UInt8(scalar))
    case 0x80..<0x800:
      bytes.append(UInt8(0xc0 | scalar >> 6))
      bytes.append(tail(0))
    case 0x800..<0x10000:
      bytes.append(UInt8(0xe0 | scalar >> 12))
      bytes.append(tail(6))
      bytes.append(tail(0))
    default:
      bytes.append(UInt8(truncatingIfNeeded: 0xf0 | scalar >> 18))
      bytes.append(tail(12))
      bytes.append(tail(6))
      bytes.append(tail(0))
    }
  }

  private static func hexadecimal(
    _ text: UnsafeRawBufferPointer,
    at start: Int,
    digits: Int
  ) -> UInt32? {
    guard start + digits <= text.count else { return nil }
    var value: UInt32 = 0
    for i in start..<start + digits {
      let digit: UInt32
      switch unsafe text[i] {
      case 0x30...0x39: digit = unsafe UInt32(text[i]) - 0x30
      case 0x41...0x46: digit = unsafe UInt32(text[i]) - 0x41 + 10
      case 0x61...0x66: digit = unsafe UInt32(text[i]) - 0x61 + 10
      default: return nil
      }
      value = value << 4 | digit
    }
    return value
  }
}
