/// Integers of any size as bytes: two's complement, little-endian.
package enum TwosComplement {
  /// How many of the bytes are needed to keep value and sign; 0 for zero.
  static func significantBytes(_ bytes: UnsafeRawBufferPointer) -> Int {
    var size = bytes.count
    guard size > 0 else { return 0 }
    let filler: UInt8 = unsafe bytes[size - 1] & 0x80 == 0 ? 0 : 0xff
    while size > 1, unsafe bytes[size - 1] == filler,
      unsafe (bytes[size - 2] ^ filler) & 0x80 == 0
    {
      size -= 1
    }
    return size
  }

  /// The value of bytes of which at most 8 are significant.
  static func small(_ bytes: UnsafeRawBufferPointer) -> Int64 {
    var value: UInt64 = 0
    let size = min(bytes.count, 8)
    for i in 0..<size {
      value |= unsafe UInt64(bytes[i]) << (8 * UInt64(i))
    }
    if size > 0 && size < 8, unsafe bytes[size - 1] & 0x80 != 0 {
      value |= UInt64.max << (8 * UInt64(size))
    }
    return Int64(bitPattern: value)
  }

  /// The fewest bytes that keep value and sign, at least one.
  static func bytes(_ value: Int64) -> [UInt8] {
    let all = unsafe withUnsafeBytes(of: value.littleEndian) {
      unsafe Array($0)
    }
    let size = unsafe all.withUnsafeBytes { unsafe significantBytes($0) }
    return Array(all.prefix(size))
  }

  /// Decimal digits cost more the more there are: no longer integers are
  /// turned into them.
  ///
  /// They have 4300 digits at most, as Python's `sys.set_int_max_str_digits`
  /// has it: it reads and writes no more.
  static let maxDecimalBytes = 1785

  /// The value in decimal digits.
  package static func decimal(_ bytes: [UInt8]) -> String {
    let isNegative = bytes.last.map { $0 & 0x80 != 0 } ?? false
    var limbs = magnitude(bytes, isNegative: isNegative)
    var size = limbs.count
    // Nine digits each, the lowest first.
    var groups: [UInt32] = []
    while size > 0 {
      var low: UInt64 = 0
      var high: UInt64 = 0
      // Two divisions at a time, of which neither waits for the other.
      for i in (0..<size).reversed() {
        let (first, lowRest) = split(low << 32 | UInt64(limbs[i]))
        let (second, highRest) = split(high << 32 | first)
        limbs[i] = UInt32(truncatingIfNeeded: second)
        low = lowRest
        high = highRest
      }
      groups.append(UInt32(truncatingIfNeeded: low))
      groups.append(UInt32(truncatingIfNeeded: high))
      while size > 0, limbs[size - 1] == 0 { size -= 1 }
    }
    return (isNegative ? "-" : "") + digits(of: groups)
  }

  @inline(__always)
  private static func split(
    _ value: UInt64
  ) -> (quotient: UInt64, rest: UInt64) {
    let quotient = value / 1_000_000_000
    return (quotient, value &- quotient &* 1_000_000_000)
  }

  /// The digits of groups of nine, the lowest first.
  private static func digits(of groups: [UInt32]) -> String {
    var digits: [UInt8] = []
    digits.reserveCapacity(groups.count * 9)
    for group in groups {
      var rest = group
      for _ in 0..<9 {
        digits.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
      }
    }
    while digits.count > 1, digits.last == UInt8(ascii: "0") {
      digits.removeLast()
    }
    return digits.isEmpty
      ? "0" : String(decoding: digits.reversed(), as: UTF8.self)
  }

  private static func magnitude(_ bytes: [UInt8], isNegative: Bool) -> [UInt32]
  {
    var limbs = [UInt32](repeating: 0, count: (bytes.count + 3) / 4)
    var carry: UInt16 = isNegative ? 1 : 0
    for (i, byte) in bytes.enumerated() {
      let value = UInt16(isNegative ? ~byte : byte) + carry
      carry = value >> 8
      limbs[i / 4] |= UInt32(value & 0xff) << (8 * UInt32(i % 4))
    }
    while limbs.last == 0 { limbs.removeLast() }
    return limbs
  }
}

/// A decimal integer as text: sign and digits.
struct DecimalDigits {
  let isNegative: Bool
  let digits: [UInt8]

  /// Takes the text apart; nil when it is no decimal integer.
  init?(_ text: UnsafeRawBufferPointer) {
    var start = 0
    var isNegative = false
    switch unsafe text.first {
    case UInt8(ascii: "-"):
      isNegative = true
      start = 1
    case UInt8(ascii: "+"): start = 1
    default: break
    }
    guard text.count > start else { return nil }
    let digits = unsafe Array(text[start...])
    guard digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    self.isNegative = isNegative
    self.digits = digits
  }

  /// Python refuses such a number or takes it for octal.
  var hasLeadingZero: Bool { digits.count > 1 && digits[0] == 0x30 }

  /// The value, nil when it needs more than 64 bits.
  var int64: Int64? {
    var value: Int64 = 0
    for digit in digits {
      let (product, over) = value.multipliedReportingOverflow(by: 10)
      let term = Int64(digit) - 0x30
      let (sum, over2) =
        isNegative
        ? product.subtractingReportingOverflow(term)
        : product.addingReportingOverflow(term)
      if over || over2 { return nil }
      value = sum
    }
    return value
  }

  /// The value as bytes, as few as keep the sign.
  func twosComplement() -> [UInt8] {
    var limbs: [UInt32] = []
    var i = 0
    while i < digits.count {
      let end = min(i + 9, digits.count)
      var factor: UInt64 = 1
      var carry: UInt64 = 0
      while i < end {
        carry = carry * 10 + UInt64(digits[i] - 0x30)
        factor *= 10
        i += 1
      }
      for k in limbs.indices {
        let value = UInt64(limbs[k]) * factor + carry
        limbs[k] = UInt32(truncatingIfNeeded: value)
        carry = value >> 32
      }
      if carry > 0 { limbs.append(UInt32(carry)) }
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(limbs.count * 4 + 1)
    for limb in limbs {
      for k in 0..<4 {
        bytes.append(UInt8(truncatingIfNeeded: limb >> (8 * UInt32(k))))
      }
    }
    bytes.append(0)
    if isNegative {
      var carry: UInt16 = 1
      for k in bytes.indices {
        let value = UInt16(~bytes[k]) + carry
        bytes[k] = UInt8(truncatingIfNeeded: value)
        carry = value >> 8
      }
    }
    let size = unsafe bytes.withUnsafeBytes { unsafe significantBytes($0) }
    return Array(bytes.prefix(size))
  }

  private func significantBytes(_ bytes: UnsafeRawBufferPointer) -> Int {
    unsafe TwosComplement.significantBytes(bytes)
  }
}
