/// Floats as Python's `repr` writes and `float` reads them.
enum PythonFloat {
  /// The value of a decimal float, nil for other text.
  ///
  /// Too large a number is refused, as in CPython.
  static func parse(_ text: UnsafeRawBufferPointer) -> Double? {
    let isNumber = unsafe text.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        true
      default: false
      }
    }
    let string = unsafe String(decoding: text, as: UTF8.self)
    guard isNumber else { return word(string) }
    guard let value = Double(string), value.isFinite else { return nil }
    return value
  }

  /// What is no number, but has a name.
  private static func word(_ text: String) -> Double? {
    switch text.lowercased() {
    case "inf", "+inf", "infinity", "+infinity": .infinity
    case "-inf", "-infinity": -.infinity
    case "nan", "+nan": .nan
    case "-nan": -Double.nan
    default: nil
    }
  }

  /// The shortest text that reads back as the same value.
  static func repr(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    // From 2^53 on Swift writes an exponent, but Python from 10^16 on. All
    // these are whole numbers, and no shorter text would name them.
    if (0x1p53..<1e16).contains(value.magnitude) {
      return "\(Int64(value)).0"
    }
    return value.description
  }
}
