/// The columns that text takes on a terminal.
enum TextWidth {
  /// The columns of a text: Chinese characters take two, accents none.
  static func columns(of text: String) -> Int {
    // Most text is ASCII, of which Unicode need not be asked.
    var count = 0
    var rest = text.utf8[...]
    while let start = rest.firstIndex(where: { !isPlain($0) }) {
      count += rest.distance(from: rest.startIndex, to: start)
      let end = rest[start...].firstIndex(where: isPlain) ?? rest.endIndex
      count += text[start..<end].reduce(0) { $0 + columns(of: $1) }
      rest = rest[end...]
    }
    return count + rest.count
  }

  /// A text that is too long, with "…" for its middle: names differ at their
  /// ends.
  ///
  /// - Parameters:
  ///   - text: The text, without control characters.
  ///   - limit: The most columns that it may take.
  /// - Returns: The text itself where it fits.
  static func elided(_ text: String, to limit: Int) -> String {
    guard columns(of: text) > limit else { return text }
    guard limit > 1 else { return limit == 1 ? "…" : "" }
    let rest = limit - 1
    let head = prefix(of: text, columns: rest / 2)
    let tail = prefix(of: text.reversed(), columns: rest - columns(of: head))
    return head + "…" + String(tail.reversed())
  }

  /// As much of a text's beginning as fits, with "…" for its end.
  static func shortened(_ text: String, to limit: Int) -> String {
    guard columns(of: text) > limit else { return text }
    return prefix(of: text, columns: max(0, limit - 1)) + "…"
  }

  /// A text in lines that fit, broken at its spaces.
  ///
  /// - Parameters:
  ///   - text: One line, without its end.
  ///   - limit: The columns to keep to; nil for no limit. A word that takes
  ///     more stays whole.
  ///   - indent: The columns that all lines but the first are moved by.
  /// - Returns: The lines, joined by line ends.
  static func wrapped(
    _ text: String,
    to limit: Int? = Terminal.width,
    indent: Int = 2
  ) -> String {
    guard let limit, columns(of: text) > limit else { return text }
    let margin = "\n" + String(repeating: " ", count: indent)
    var (output, used) = ("", 0)
    // The spaces before a word, which a line's end takes the place of.
    var gap = ""
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      let width = columns(of: String(word))
      if width > 0 {
        if used > indent, used + gap.utf8.count + width > limit {
          output += margin
          used = indent
        } else {
          output += gap
          used += gap.utf8.count
        }
        output += word
        used += width
        gap = ""
      }
      gap += " "
    }
    return output
  }

  private static func prefix(
    of text: some Collection<Character>,
    columns limit: Int
  ) -> String {
    var used = 0
    let fitting = text.prefix { character in
      used += columns(of: character)
      return used <= limit
    }
    return String(fitting)
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7f
  }

  private static func columns(of character: Character) -> Int {
    let scalars = character.unicodeScalars
    // A variation selector asks for a picture, which is two columns wide.
    if scalars.dropFirst().first == "\u{fe0f}" { return 2 }
    return scalars.map(columns(of:)).max() ?? 0
  }

  private static func columns(of scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if scalar.properties.isEmojiPresentation { return 2 }
    return wide.contains { $0.contains(scalar.value) } ? 2 : 1
  }

  /// Characters of East Asian width W or F, as Unicode's annex 11 has them.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115f, 0x2329...0x232a, 0x2e80...0x303e, 0x3041...0x3247,
    0x3250...0x4dbf, 0x4e00...0xa4c6, 0xa960...0xa97c, 0xac00...0xd7a3,
    0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6b, 0xff01...0xff60,
    0xffe0...0xffe6, 0x16fe0...0x18d08, 0x1aff0...0x1b2fb, 0x1f200...0x1f265,
    0x20000...0x3fffd,
  ]
}
