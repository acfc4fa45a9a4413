/// Bytes as text of 64 letters (RFC 4648, section 4), with padding.
enum Base64 {
  private static let letters = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
  )

  private static let padding = UInt8(ascii: "=")

  /// Each letter's six bits; nil for a byte that is no letter.
  private static let values: [UInt32?] = {
    var values = [UInt32?](repeating: nil, count: 256)
    for (value, letter) in letters.enumerated() {
      values[Int(letter)] = UInt32(value)
    }
    return values
  }()

  /// The text of `bytes`.
  static func encode(_ bytes: [UInt8]) -> String {
    unsafe String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) {
      text in
      unsafe bytes.withUnsafeBufferPointer { bytes in
        unsafe letters.withUnsafeBufferPointer { letters in
          unsafe encode(bytes, letters, to: text)
        }
      }
    }
  }

  private static func encode(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ letters: UnsafeBufferPointer<UInt8>,
    to text: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    var end = 0
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      // A missing byte counts as 0, and its letter becomes a sign of that.
      let second = unsafe count > 1 ? bytes[start + 1] : 0
      let third = unsafe count > 2 ? bytes[start + 2] : 0
      let bits =
        unsafe UInt32(bytes[start]) << 16 | UInt32(second) << 8 | UInt32(third)
      unsafe text[end] = letters[Int(bits >> 18)]
      unsafe text[end + 1] = letters[Int(bits >> 12 & 63)]
      unsafe text[end + 2] = count > 1 ? letters[Int(bits >> 6 & 63)] : padding
      unsafe text[end + 3] = count > 2 ? letters[Int(bits & 63)] : padding
      end += 4
    }
    return end
  }

  /// The bytes of `text`; nil where it is not as ``encode(_:)`` writes it.
  static func decode(_ text: String) -> [UInt8]? {
    let text = Array(text.utf8)
    guard text.count % 4 == 0 else { return nil }
    let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }
    let digits = text.dropLast(padding.count)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    var width = 0
    let values = values
    for letter in digits {
      guard let value = values[Int(letter)] else { return nil }
      bits = bits << 6 | value
      width += 6
      if width >= 8 {
        width -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(width)))
        bits &= 1 << UInt32(width) - 1
      }
    }
    return bits == 0 ? bytes : nil
  }
}
