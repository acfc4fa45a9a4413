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
  bytes.map { zeroPadded($0, radix: 16, width: 2) }.joined()
}
