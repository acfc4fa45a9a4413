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

  /// A number with leading zeros: `007`.
  static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// A number with a fixed number of decimals.
  static func fixed(_ number: Double, _ decimals: Int) -> String {
    guard number.isFinite, number.magnitude < 1e15 else { return "\(number)" }
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (number.magnitude * Double(scale)).rounded()
    guard scaled < 9e18 else { return "\(number)" }
    let whole = Int(scaled)
    let fraction = String(whole % scale)
    let padded =
      String(repeating: "0", count: max(0, decimals - fraction.count))
      + fraction
    let sign = number < 0 && whole != 0 ? "-" : ""
    return sign + "\(whole / scale)" + (decimals > 0 ? ".\(padded)" : "")
  }

  /// One row a record, columns as wide as their widest cell.
  ///
  /// - Parameters:
  ///   - rows: The cells, the header first.
  ///   - rightAligned: The columns of numbers.
  ///   - maxWidth: Where the first column is shortened so that a row fits.
  /// - Returns: The lines, each with its end.
  static func table(
    _ rows: [[String]],
    rightAligned: Set<Int> = [],
    maxWidth: Int? = nil
  ) -> String {
    let columns = rows.map(\.count).max() ?? 0
    var widths = (0..<columns).map { column in
      rows.map { column < $0.count ? width(of: $0[column]) : 0 }.max() ?? 0
    }
    if let maxWidth, columns > 0 {
      let rest = widths.dropFirst().reduce(0) { $0 + $1 + 2 }
      widths[0] = min(widths[0], max(12, maxWidth - rest))
    }
    var output = ""
    for row in rows {
      var line = ""
      for (column, cell) in row.enumerated() {
        let cell = column == 0 ? shortened(cell, to: widths[0]) : cell
        let gap = String(
          repeating: " ",
          count: max(0, widths[column] - width(of: cell))
        )
        if column > 0 { line += "  " }
        line += rightAligned.contains(column) ? gap + cell : cell + gap
      }
      while line.hasSuffix(" ") { line.removeLast() }
      output += line + "\n"
    }
    return output
  }

  /// The columns that text takes on a terminal: Chinese letters take two.
  static func width(of text: String) -> Int {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) {
      return text.utf8.count
    }
    return text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
  }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    if scalar.properties.generalCategory == .nonspacingMark { return 0 }
    switch scalar.value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf,
      0x4e00...0x9fff, 0xa000...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff,
      0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff,
      0x20000...0x3fffd:
      return 2
    default: return 1
    }
  }

  private static func shortened(_ text: String, to columns: Int) -> String {
    guard width(of: text) > columns, columns > 3 else { return text }
    var head = ""
    var used = 0
    for character in text {
      let next = width(of: String(character))
      guard used + next <= columns - 1 else { break }
      head.append(character)
      used += next
    }
    return head + "…"
  }

  /// A string with its control characters made visible, so that a hostile
  /// name can't steer the terminal.
  static func printable(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
    guard
      text.unicodeScalars.contains(where: {
        $0.properties.generalCategory == .control
          || $0.properties.generalCategory == .format
      })
    else { return text }
    return text.unicodeScalars.map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format: "\\u{\(String(scalar.value, radix: 16))}"
      default: String(scalar)
      }
    }.joined()
  }
}
