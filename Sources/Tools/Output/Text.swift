internal import Pickle

/// Numbers and names as a person reads them.
enum Text {
  /// A number of bytes in binary units: `2.7 MiB`.
  static func size(_ bytes: Int) -> String {
    guard bytes >= 1024 else { return "\(bytes) B" }
    var value = Double(bytes)
    var unit = -1
    while value >= 1023.95, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[max(0, unit)])"
  }

  private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]

  /// A number with its thousands apart: `695,598`.
  static func count(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return number < 0 ? "-" + result : result
  }

  /// A number of things: `1 tensor`, `12 tensors`.
  static func count(_ number: Int, _ noun: String) -> String {
    count(number) + " " + noun + (number == 1 ? "" : "s")
  }

  /// A shape: `16×1×3×3`, and `scalar` for none.
  static func shape(_ shape: [Int]) -> String {
    shape.isEmpty
      ? "scalar" : shape.map(String.init).joined(separator: "×")
  }

  /// A number with a fixed number of decimals.
  static func fixed(_ number: Double, _ decimals: Int) -> String {
    guard number.isFinite, number.magnitude < 1e15 else { return "\(number)" }
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (number.magnitude * Double(scale)).rounded()
    guard scaled < 9e18 else { return "\(number)" }
    let whole = Int(scaled)
    let sign = number < 0 && whole != 0 ? "-" : ""
    let fraction = zeroPadded(whole % scale, width: decimals)
    return sign + "\(whole / scale)" + (decimals > 0 ? ".\(fraction)" : "")
  }

  /// A string with its control characters made visible, so that a hostile
  /// name can't steer the terminal.
  static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return text.unicodeScalars.map { scalar in
      isControl(scalar)
        ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }.joined()
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    // Most text is ASCII, of which Unicode need not be asked.
    if scalar.value >= 0x20, scalar.value < 0x7f { return false }
    return switch scalar.properties.generalCategory {
    case .control, .format: true
    default: false
    }
  }
}
