/// The header of a member of a tar archive: one block of 512 bytes.
///
/// Source: POSIX.1-2001 `pax`, section "ustar Interchange Format".
struct TarHeader {
  enum MemberType { case file, pax, other }

  let name: String
  let type: MemberType

  /// The bytes of the member's content; nil for a number that can't be one.
  let size: Int?

  static let blockSize = 512

  var isPax: Bool { type == .pax }

  /// Nil where the checksum is wrong, which tells a header from other bytes.
  init?(_ block: [UInt8]) {
    guard block.count >= Self.blockSize else { return nil }
    // The checksum counts its own field as spaces.
    let sum = block[..<Self.blockSize].enumerated().reduce(0) { sum, byte in
      sum + ((148..<156).contains(byte.offset) ? 0x20 : Int(byte.element))
    }
    guard Self.number(block[148..<156]) == sum else { return nil }
    let base = Self.text(block[0..<100])
    let isUstar = block[257..<262].elementsEqual("ustar".utf8)
    let prefix = isUstar ? Self.text(block[345..<500]) : ""
    name = prefix.isEmpty ? base : prefix + "/" + base
    size = Self.number(block[124..<136])
    switch block[156] {
    case UInt8(ascii: "0"), 0: type = .file
    case UInt8(ascii: "x"): type = .pax
    default: type = .other
    }
  }

  /// The bytes that a content of some size takes: whole blocks.
  static func padded(_ size: Int) -> Int {
    let rest = size % blockSize
    return rest == 0 ? size : size + (blockSize - rest)
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Octal digits, or a large number in base 256 behind a set bit.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { return nil }
      var value = 0
      for byte in field.dropFirst() {
        guard value <= Int.max >> 8 else { return nil }
        value = value << 8 | Int(byte)
      }
      return value
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    guard !digits.isEmpty else { return 0 }
    // Python takes a sign too, and what it opens must be looked at.
    return Int(String(decoding: digits, as: UTF8.self), radix: 8)
      .flatMap { $0 < 0 ? nil : $0 }
  }
}
