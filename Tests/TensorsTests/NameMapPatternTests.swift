import Tensors
import TestSupport
import Testing

/// Renames do what Swift's `Regex` would do, in time that can be foretold.
@Suite("Renames by regular expressions")
struct NameMapPatternTests {
  static let template = #"<\0|\1|\2>"#

  /// What `Regex` makes of a name.
  static func expected(_ pattern: String, _ name: String) throws -> String {
    let regex = try Regex(pattern)
    var result = ""
    var end = name.startIndex
    for match in name.matches(of: regex) {
      result += name[end..<match.range.lowerBound] + "<"
      let groups = (0...2).map { number in
        number < match.output.count
          ? String(match.output[number].substring ?? "") : ""
      }
      result += groups.joined(separator: "|") + ">"
      end = match.range.upperBound
    }
    return result + name[end...]
  }

  static func renamed(_ pattern: String, _ name: String) throws -> String {
    var map = NameMap()
    try map.addRename(pattern + "=" + template)
    return try map.rename()(name)
  }

  static let patterns = [
    #"(.*)a(.*)"#, #"^(.*)\.(.*)$"#, #"(\d+)\.(\w+)"#, #"^module\.()()"#,
    #"(a|ab)(c|bcd)?()"#, #"(a+?)(b*)"#, #"([^.]+)\.([^.]+)$"#,
    #"(?:(a)|(b))+"#, #"(?<x>a)(b){2}"#, #"a{2,3}(b)?()"#, #"()()x*"#,
    #"([a-c\d]{1,})(-)?"#, #"(.)(.)"#, #"()()"#, #"(a)()$|^b"#,
    #"((a|b)+c)+"#, #"(\s)(\S)"#, #"([\w.]+)(\W)"#, #"(a??)(b)"#,
    #"(x|)(y)"#, #"(a)\1()"#, #"(?=a)(.)()"#, #"(a*)*()"#, #"(a*?)(b+?)"#,
    #"(.*?)\.(.*?)\."#, #"(é)()"#, #"(?i)(A)()"#, #"([é-ü])()"#,
    #"(a){0}(b)"#, #"(?:a(b)?)+()"#, #"(?:(a)x|ab)*()c"#, #"\b(a)()"#,
  ]

  static let names = [
    "", "a", "b", "aaa", "abab", "abcd", "a.b.c", "layer.0.weight", "xyxy",
    "module.module.a", "aab-b", "1.weight 22.bias", "é.a.ü", "e\u{301}a",
    "a\u{301}b", "a b  c", "..", "ab\nab", "\na", "a\n", "a\r\n.b", "👍🏽a👍",
    "ababcabc", "axab", "abaac", "\u{1}a\u{7f}b", "١٢a",
  ]

  @Test("A rename finds what Swift's Regex finds", arguments: patterns)
  func agrees(pattern: String) throws {
    for name in Self.names {
      #expect(
        try Self.renamed(pattern, name) == Self.expected(pattern, name),
        "\(name.debugDescription)"
      )
    }
  }

  @Test("So do thousands of patterns made at random", arguments: 0..<4)
  func agreesAtRandom(part: Int) throws {
    var random = SeededGenerator(for: "patterns \(part)")
    var count = 0
    for _ in 0..<300 {
      // Deeper ones can keep `Regex` busy for hours.
      let pattern = Self.pattern(1, &random)
      // Two groups at least, for the template.
      let grouped = "(\(pattern))(?:x|())"
      guard (try? Regex(grouped)) != nil else { continue }
      for _ in 0..<8 {
        let length = Int.random(in: 0...6, using: &random)
        let name = (0..<length).map { _ in
          "aabb.1x\n".randomElement(using: &random).map(String.init) ?? ""
        }
        .joined()
        #expect(
          try Self.renamed(grouped, name) == Self.expected(grouped, name),
          "\(grouped) \(name.debugDescription)"
        )
        count += 1
      }
    }
    #expect(count > 1000)
  }

  private static func pattern(
    _ depth: Int,
    _ random: inout SeededGenerator
  ) -> String {
    func pick(_ items: [String]) -> String {
      items.randomElement(using: &random) ?? ""
    }
    let atoms = ["a", "b", ".", #"\."#, "[ab]", "[^a]", #"\d"#, "x", "^", "$"]
    let pieces = (0..<Int.random(in: 1...3, using: &random)).map { _ in
      let isGroup = depth > 0 && Bool.random(using: &random)
      let atom =
        isGroup
        ? pick(["(", "(?:"]) + pattern(depth - 1, &random) + ")" : pick(atoms)
      guard atom != "^", atom != "$" else { return atom }
      return atom
        + pick(["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}"])
    }
    return pieces.joined(separator: pick(["", "", "|"]))
  }

  @Test(
    "A long name without a match takes no time",
    .timeLimit(.minutes(1)),
    arguments: [
      "(.*)a(.*)", "(.*)a(.*)b(.*)c", "(b+)+(a)", "(.+)-(.+)=(.+)!",
    ]
  )
  func isLinear(pattern: String) throws {
    for letter in ["b", "é", "b\n"] {
      let name = String(repeating: letter, count: 20_000)
      #expect(try Self.renamed(pattern, name) == name)
    }
  }
}
