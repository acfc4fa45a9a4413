/// Reads the regular expressions that ``LinearPattern`` can match.
struct LinearPatternParser {
  /// An expression that can be matched.
  struct Result {
    let steps: [LinearPattern.Step]
    /// The sets of letters, as expressions that match one letter.
    let sets: [String]
    /// The groups, without the whole match.
    let groupCount: Int
  }

  private indirect enum Part {
    case step(LinearPattern.Step)
    case sequence([Part])
    case choice([Part])
    case group(Int, Part)
    case repeated(Part, least: Int, most: Int?, isLazy: Bool)

    /// Whether it may match nothing.
    var isNullable: Bool {
      switch self {
      case .step(.letter), .step(.set): false
      case .step: true
      case .sequence(let parts): parts.allSatisfy(\.isNullable)
      case .choice(let parts): parts.contains(where: \.isNullable)
      case .group(_, let part): part.isNullable
      case .repeated(let part, let least, _, _): least == 0 || part.isNullable
      }
    }
  }

  /// What is left to `Regex`.
  private struct Unsupported: Error {}

  private static let mostSteps = 500
  private static let mostNesting = 50

  private var rest: Substring
  private var sets: [String] = []
  private var groupCount = 0
  private var depth = 0
  private var steps: [LinearPattern.Step] = []

  private init(_ pattern: String) {
    rest = pattern[...]
  }

  /// Reads an expression.
  ///
  /// - Parameter pattern: The expression, free of errors.
  /// - Returns: Nil for one that has what can't be matched here.
  static func parse(_ pattern: String) -> Result? {
    guard pattern.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) else {
      return nil
    }
    var parser = LinearPatternParser(pattern)
    do {
      let whole = try parser.choice()
      guard parser.rest.isEmpty else { return nil }
      try parser.emit(whole)
      try parser.add(.done)
    } catch {
      return nil
    }
    return Result(
      steps: parser.steps,
      sets: parser.sets,
      groupCount: parser.groupCount
    )
  }

  // MARK: Reading

  private mutating func choice() throws(Unsupported) -> Part {
    depth += 1
    guard depth <= Self.mostNesting else { throw Unsupported() }
    defer { depth -= 1 }
    var parts = [try sequence()]
    while rest.first == "|" {
      rest.removeFirst()
      parts.append(try sequence())
    }
    return parts.count == 1 ? parts[0] : .choice(parts)
  }

  private mutating func sequence() throws(Unsupported) -> Part {
    var parts: [Part] = []
    while let letter = rest.first, letter != "|", letter != ")" {
      let part = try atom()
      parts.append(try repeated(part))
    }
    return .sequence(parts)
  }

  private mutating func atom() throws(Unsupported) -> Part {
    switch rest.removeFirst() {
    case "(": return try group()
    case "[": return try set()
    case "\\": return try escape()
    case ".": return newSet(".")
    case "^": return .step(.start)
    case "$": return .step(.end)
    case "*", "+", "?", "{", "}", "]": throw Unsupported()
    case let letter: return try self.letter(letter)
    }
  }

  private func letter(_ letter: Character) throws(Unsupported) -> Part {
    guard let code = letter.asciiValue else { throw Unsupported() }
    return .step(.letter(Int(code)))
  }

  private mutating func newSet(_ pattern: String) -> Part {
    if let known = sets.firstIndex(of: pattern) { return .step(.set(known)) }
    sets.append(pattern)
    return .step(.set(sets.count - 1))
  }

  private mutating func escape() throws(Unsupported) -> Part {
    guard let letter = rest.popFirst() else { throw Unsupported() }
    if "dDwWsS".contains(letter) { return newSet("\\" + String(letter)) }
    guard letter.isPunctuation || letter.isSymbol else { throw Unsupported() }
    return try self.letter(letter)
  }

  private mutating func set() throws(Unsupported) -> Part {
    var text = "["
    if rest.first == "^" { text.append(rest.removeFirst()) }
    let start = text.count
    while let letter = rest.popFirst() {
      switch letter {
      case "]":
        guard text.count > start else { throw Unsupported() }
        return newSet(text + "]")
      case "\\":
        guard let next = rest.popFirst(),
          "dDwWsS".contains(next) || next.isPunctuation || next.isSymbol
        else { throw Unsupported() }
        text += "\\" + String(next)
      case "-":
        // Two would be the difference of sets.
        guard text.last != "-" else { throw Unsupported() }
        text.append(letter)
      default:
        guard letter.isLetter || letter.isNumber || "_.,:/ ".contains(letter)
        else { throw Unsupported() }
        text.append(letter)
      }
    }
    throw Unsupported()
  }

  private mutating func group() throws(Unsupported) -> Part {
    var number: Int?
    if rest.hasPrefix("?:") {
      rest.removeFirst(2)
    } else if rest.hasPrefix("?<"), !rest.hasPrefix("?<="),
      !rest.hasPrefix("?<!"), let end = rest.firstIndex(of: ">")
    {
      rest = rest[rest.index(after: end)...]
      groupCount += 1
      number = groupCount
    } else if rest.first != "?", rest.first != "*" {
      groupCount += 1
      number = groupCount
    } else {
      throw Unsupported()
    }
    let part = try choice()
    guard rest.popFirst() == ")" else { throw Unsupported() }
    return number.map { .group($0, part) } ?? part
  }

  private mutating func repeated(_ part: Part) throws(Unsupported) -> Part {
    let least: Int
    let most: Int?
    switch rest.first {
    case "*": (least, most) = (0, nil)
    case "+": (least, most) = (1, nil)
    case "?": (least, most) = (0, 1)
    case "{":
      guard let end = rest.firstIndex(of: "}") else { throw Unsupported() }
      let numbers = rest[rest.index(after: rest.startIndex)..<end]
        .split(separator: ",", omittingEmptySubsequences: false)
      guard (1...2).contains(numbers.count), let first = Int(numbers[0])
      else { throw Unsupported() }
      least = first
      if numbers.count == 1 {
        most = first
      } else if numbers[1].isEmpty {
        most = nil
      } else {
        guard let last = Int(numbers[1]), last >= first else {
          throw Unsupported()
        }
        most = last
      }
      rest = rest[end...]
    default: return part
    }
    rest.removeFirst()
    // What matches nothing could be repeated without end; what never comes
    // still has its groups.
    guard !part.isNullable, most != 0 else { throw Unsupported() }
    let isLazy = rest.first == "?"
    if isLazy { rest.removeFirst() }
    guard !"*+?{".contains(rest.first ?? " ") else { throw Unsupported() }
    return .repeated(part, least: least, most: most, isLazy: isLazy)
  }

  // MARK: Writing

  private mutating func add(_ step: LinearPattern.Step) throws(Unsupported) {
    guard steps.count < Self.mostSteps else { throw Unsupported() }
    steps.append(step)
  }

  private mutating func emit(_ part: Part) throws(Unsupported) {
    switch part {
    case .step(let step): try add(step)
    case .sequence(let parts): for part in parts { try emit(part) }
    case .group(let number, let part):
      try add(.keep(2 * number))
      try emit(part)
      try add(.keep(2 * number + 1))
    case .choice(let parts):
      var ends: [Int] = []
      for part in parts.dropLast() {
        let fork = steps.count
        try add(.done)
        try emit(part)
        ends.append(steps.count)
        try add(.done)
        steps[fork] = .fork(fork + 1, steps.count)
      }
      if let last = parts.last { try emit(last) }
      for end in ends { steps[end] = .jump(steps.count) }
    case .repeated(let part, let least, let most, let isLazy):
      guard least <= Self.mostSteps, most ?? 0 <= Self.mostSteps else {
        throw Unsupported()
      }
      for _ in 0..<least { try emit(part) }
      var forks: [Int] = []
      for _ in least..<(most ?? least + 1) {
        forks.append(steps.count)
        try add(.done)
        try emit(part)
      }
      if most == nil { try add(.jump(forks[0])) }
      for fork in forks {
        steps[fork] =
          isLazy
          ? .fork(steps.count, fork + 1) : .fork(fork + 1, steps.count)
      }
    }
  }
}
