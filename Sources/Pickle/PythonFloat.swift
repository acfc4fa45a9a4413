/// Floats as Python's `repr` writes and `float` reads them.
enum PythonFloat {
  /// The value of a decimal float, nil for other text.
  ///
  /// Too large a number is refused, as in CPython.
  static func parse(_ text: UnsafeRawBufferPointer) -> Double? {
    let string = unsafe String(decoding: text, as: UTF8.self)
    switch string.lowercased() {
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    case "nan", "+nan": return .nan
    case "-nan": return -Double.nan
    default: break
    }
    let allowed = unsafe text.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
    guard allowed, let value = Double(string), value.isFinite else {
      return nil
    }
    return value
  }

  /// The shortest text that reads back as the same value.
  static func repr(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    // Swift finds the same digits, but sets the exponent differently.
    let (digits, exponent) = shortest(value.magnitude)
    let sign = value.sign == .minus ? "-" : ""
    if exponent >= -4 && exponent < 16 {
      return sign + fixed(digits, exponent)
    }
    var text = sign + digits.prefix(1)
    if digits.count > 1 { text += "." + digits.dropFirst() }
    let size = String(exponent.magnitude)
    return text + (exponent < 0 ? "e-" : "e+")
      + (size.count < 2 ? "0" : "") + size
  }

  /// Significant digits, and the power of ten of the first.
  private static func shortest(_ value: Double) -> (String, Int) {
    if value == 0 { return ("0", 0) }
    let text = value.description
    let parts = text.split(separator: "e")
    let written = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(
      separator: ".",
      omittingEmptySubsequences: false
    )
    let whole = String(mantissa[0])
    let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
    let all = Array((whole + fraction).utf8)
    let first = all.firstIndex { $0 != 0x30 } ?? 0
    let last = all.lastIndex { $0 != 0x30 } ?? 0
    let digits = String(decoding: all[first...last], as: UTF8.self)
    return (digits, written + whole.utf8.count - 1 - first)
  }

  private static func fixed(_ digits: String, _ exponent: Int) -> String {
    if exponent < 0 {
      return "0." + String(repeating: "0", count: -exponent - 1) + digits
    }
    let whole = exponent + 1
    if digits.count <= whole {
      return digits + String(repeating: "0", count: whole - digits.count)
        + ".0"
    }
    return digits.prefix(whole) + "." + digits.dropFirst(whole)
  }
}
