// Numbers as text of a fixed width.

/// A number in digits, with zeros before them where they are few: `007`.
///
/// - Parameters:
///   - number: A number that is not negative.
///   - radix: The base of the digits, 10 or 16.
///   - width: The digits that there are at least.
/// - Returns: The digits, in lower case.
package func zeroPadded(
  _ number: some BinaryInteger,
  radix: Int = 10,
  width: Int
) -> String {
  let digits = String(number, radix: radix)
  return String(repeating: "0", count: max(0, width - digits.utf8.count))
    + digits
}

/// Bytes in hexadecimal, two digits for each.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  var digits: [UInt8] = []
  digits.reserveCapacity(bytes.underestimatedCount * 2)
  for byte in bytes {
    digits.append(hexDigit(byte >> 4))
    digits.append(hexDigit(byte & 15))
  }
  return String(decoding: digits, as: UTF8.self)
}

/// The digit of a value from 0 to 15, in lower case.
@inline(__always)
func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
}
