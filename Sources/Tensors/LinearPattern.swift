/// A regular expression that is matched in time linear in a text's length.
///
/// Swift's `Regex` tries one way after the other to make a text fit, each from
/// its beginning: `(.*)a(.*)` takes time quadratic in the length of a name
/// without an `a`, and names come from files that nobody vouches for. Here no
/// way is gone twice: what failed at one place of the expression and of the
/// text fails there again. What single letters stand for is left to `Regex`.
final class LinearPattern {
  /// A step of the expression.
  enum Step {
    /// One letter.
    case letter(Int)
    /// One letter of a set, by its number.
    case set(Int)
    /// Keeps the place as a group's beginning or end.
    case keep(Int)
    case start
    case end
    case jump(Int)
    /// Two ways to go on, the better one first.
    case fork(Int, Int)
    case done
  }

  /// A match: the whole and each group, nil for a group that took no part.
  typealias Match = [Range<Int>?]

  private let steps: [Step]
  private let sets: [LetterSet]
  private let groupCount: Int

  /// Reads an expression; nil for what only `Regex` can do, such as references
  /// to groups and looking ahead.
  ///
  /// - Parameter pattern: What `Regex` reads without an error.
  init?(_ pattern: String) {
    guard let parsed = LinearPatternParser.parse(pattern) else { return nil }
    steps = parsed.steps
    sets = parsed.sets.map { LetterSet($0) }
    groupCount = parsed.groupCount
  }

  /// All matches in a text, one behind the other, as `matches(of:)` finds them.
  func matches(in text: PatternText) -> [Match] {
    var search = Search(steps, sets, text, groupCount)
    var found: [Match] = []
    var place = 0
    while place <= text.count {
      guard let match = search.match(from: place), let whole = match[0] else {
        place += 1
        continue
      }
      found.append(match)
      place = whole.isEmpty ? whole.upperBound + 1 : whole.upperBound
    }
    return found
  }
}

/// The letters of a text as numbers: ASCII by its value.
struct PatternText {
  private enum Content {
    case ascii([UInt8])
    case letters([Character])
  }

  private let content: Content

  init(_ text: String) {
    let bytes = Array(text.utf8)
    // With a line feed behind it, a carriage return is part of a letter.
    content =
      bytes.allSatisfy { $0 < 0x80 && $0 != 0x0d }
      ? .ascii(bytes) : .letters(Array(text))
  }

  var count: Int {
    switch content {
    case .ascii(let bytes): bytes.count
    case .letters(let letters): letters.count
    }
  }

  /// A letter as a number; -1 for one that is not ASCII.
  func code(at place: Int) -> Int {
    switch content {
    case .ascii(let bytes): Int(bytes[place])
    case .letters(let letters):
      letters[place].utf8.count == 1
        ? letters[place].asciiValue.map(Int.init) ?? -1 : -1
    }
  }

  func letter(at place: Int) -> Character {
    switch content {
    case .ascii(let bytes): Character(Unicode.Scalar(bytes[place]))
    case .letters(let letters): letters[place]
    }
  }

  subscript(range: Range<Int>) -> String {
    switch content {
    case .ascii(let bytes): String(decoding: bytes[range], as: UTF8.self)
    case .letters(let letters): String(letters[range])
    }
  }
}

/// What `.`, `\d` and `[a-z]` stand for, as `Regex` has it.
private final class LetterSet {
  private let regex: Regex<AnyRegexOutput>?
  private var ascii = [Bool?](repeating: nil, count: 0x80)
  private var others: [Character: Bool] = [:]

  init(_ pattern: String) {
    regex = try? Regex(pattern)
  }

  func contains(_ place: Int, of text: PatternText) -> Bool {
    let code = text.code(at: place)
    if code >= 0 {
      if let known = ascii[code] { return known }
      let fits = fits(text.letter(at: place))
      ascii[code] = fits
      return fits
    }
    let letter = text.letter(at: place)
    if let known = others[letter] { return known }
    let fits = fits(letter)
    others[letter] = fits
    return fits
  }

  private func fits(_ letter: Character) -> Bool {
    guard let regex else { return false }
    return (try? regex.wholeMatch(in: String(letter))) != nil
  }
}

/// One text's search: where which step has failed.
private struct Search {
  private enum Job {
    case go(step: Int, place: Int)
    case restore(slot: Int, place: Int)
  }

  private let steps: [LinearPattern.Step]
  private let sets: [LetterSet]
  private let text: PatternText
  /// A bit for each step at each place: whether it was tried.
  private var tried: [UInt64]
  private var slots: [Int]
  private var jobs: [Job] = []

  init(
    _ steps: [LinearPattern.Step],
    _ sets: [LetterSet],
    _ text: PatternText,
    _ groupCount: Int
  ) {
    self.steps = steps
    self.sets = sets
    self.text = text
    tried = Array(repeating: 0, count: (text.count + 1) * steps.count / 64 + 1)
    slots = Array(repeating: -1, count: 2 * groupCount + 2)
  }

  /// The match that begins at a place.
  mutating func match(from start: Int) -> LinearPattern.Match? {
    for slot in slots.indices { slots[slot] = -1 }
    jobs.removeAll(keepingCapacity: true)
    jobs.append(.go(step: 0, place: start))
    while let job = jobs.popLast() {
      switch job {
      case .restore(let slot, let place): slots[slot] = place
      case .go(let step, let place):
        guard let end = run(from: step, at: place) else { continue }
        // The steps that led here have not failed; no search comes back to
        // where they were but for the match's end.
        for step in steps.indices { forget(step, end) }
        slots[0] = start
        slots[1] = end
        return stride(from: 0, to: slots.count, by: 2).map { slot in
          slots[slot] < 0 || slots[slot + 1] < slots[slot]
            ? nil : slots[slot]..<slots[slot + 1]
        }
      }
    }
    return nil
  }

  /// Goes on until the expression is done, which gives the place, or fails.
  private mutating func run(from first: Int, at start: Int) -> Int? {
    var step = first
    var place = start
    while isNew(step, place) {
      switch steps[step] {
      case .done: return place
      case .letter(let code):
        guard place < text.count, text.code(at: place) == code else {
          return nil
        }
        place += 1
        step += 1
      case .set(let number):
        guard place < text.count, sets[number].contains(place, of: text) else {
          return nil
        }
        place += 1
        step += 1
      case .start:
        guard place == 0 else { return nil }
        step += 1
      case .end:
        guard place == text.count else { return nil }
        step += 1
      case .keep(let slot):
        jobs.append(.restore(slot: slot, place: slots[slot]))
        slots[slot] = place
        step += 1
      case .jump(let next): step = next
      case .fork(let better, let other):
        jobs.append(.go(step: other, place: place))
        step = better
      }
    }
    return nil
  }

  /// Marks a step at a place as tried.
  ///
  /// - Returns: Whether it was not tried before.
  private mutating func isNew(_ step: Int, _ place: Int) -> Bool {
    let bit = place * steps.count + step
    let mask = UInt64(1) << UInt64(bit % 64)
    guard tried[bit / 64] & mask == 0 else { return false }
    tried[bit / 64] |= mask
    return true
  }

  private mutating func forget(_ step: Int, _ place: Int) {
    let bit = place * steps.count + step
    tried[bit / 64] &= ~(UInt64(1) << UInt64(bit % 64))
  }
}
