/// Makes the escapes of protocol 0's strings, and Latin-1 text of bytes.
extension EscapedText {
  /// UTF-8 text, with lone surrogates, as a raw-unicode-escape line.
  static func rawUnicodeEscape(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var line: [UInt8] = []
    unsafe forEachScalar(text) { scalar in
      switch scalar {
      case 0, 0x0a, 0x0d, 0x1a, 0x5c, 256..<0x10000:
        append("\\u", scalar, digits: 4, to: &line)
      case 0x10000...: append("\\U", scalar, digits: 8, to: &line)
      default: line.append(UInt8(truncatingIfNeeded: scalar))
      }
    }
    return line
  }

  /// Bytes as a Python 2 string literal, as its `repr` writes it.
  static func quoted(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let apostrophe = UInt8(ascii: "'")
    let doubled = UInt8(ascii: "\"")
    let quote =
      unsafe bytes.contains(apostrophe) && !bytes.contains(doubled)
      ? doubled : apostrophe
    var line: [UInt8] = [quote]
    for byte in unsafe Array(bytes) {
      switch byte {
      case quote, UInt8(ascii: "\\"):
        line += [UInt8(ascii: "\\"), byte]
      case 9: line += Array("\\t".utf8)
      case 10: line += Array("\\n".utf8)
      case 13: line += Array("\\r".utf8)
      case 32...126: line.append(byte)
      default: append("\\x", UInt32(byte), digits: 2, to: &line)
      }
    }
    line.append(quote)
    return line
  }

  /// Bytes taken for Latin-1, in UTF-8.
  static func latin1(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    for byte in unsafe Array(bytes) {
      if byte < 0x80 {
        text.append(byte)
      } else {
        text += [0xc0 | byte >> 6, 0x80 | byte & 0x3f]
      }
    }
    return text
  }

  /// Calls `body` with each scalar of UTF-8 text that has been checked.
  static func forEachScalar(
    _ text: UnsafeRawBufferPointer,
    _ body: (UInt32) -> Void
  ) {
    var i = 0
    while i < text.count {
      let first = unsafe UInt32(text[i])
      let size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
      var scalar = size == 1 ? first : first & (0x7f >> UInt32(size))
      for k in 1..<max(size, 1) where i + k < text.count {
        scalar = unsafe scalar << 6 | UInt32(text[i + k] & 0x3f)
      }
      body(scalar)
      i += size
    }
  }

  private static func append(
    _ prefix: String,
    _ value: UInt32,
    digits: Int,
    to line: inout [UInt8]
  ) {
    line += prefix.utf8
    line += zeroPadded(value, radix: 16, width: digits).utf8
  }
}
