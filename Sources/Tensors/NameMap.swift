public import OrderedCollections

/// Which tensors are taken, and what they are called afterwards.
///
/// A name first passes ``includes`` and ``excludes``; then the table's entry
/// for it, or every rename in turn, gives the new name.
public struct NameMap: Sendable, Hashable {
  /// A rename by a regular expression.
  public struct Rename: Sendable, Hashable {
    /// What is searched in a name, as Swift's `Regex` writes it.
    public let pattern: String
    /// What takes the place of each match: `\1` is the first group, `\0` the
    /// whole match, `\\` a backslash.
    public let template: String
  }

  /// The names to take; all where it is empty.
  public var includes: [NameGlob] = []

  /// The names to leave out.
  public var excludes: [NameGlob] = []

  /// New names by old ones; a name that it has is not renamed otherwise.
  public var table: OrderedDictionary<String, String> = [:]

  /// Renames in the order in which they are done.
  public private(set) var renames: [Rename] = []

  /// Makes a map that changes nothing.
  public init() {}

  /// Whether nothing is left out or renamed.
  public var isIdentity: Bool {
    includes.isEmpty && excludes.isEmpty && table.isEmpty && renames.isEmpty
  }

  /// Adds a rename written as `REGEX=TEMPLATE`; the last `=` parts the two.
  ///
  /// - Parameter text: The rename.
  /// - Throws: ``NameMapError`` for a text without `=`, an expression that
  ///   can't be read, and a template with a group that it does not have.
  public mutating func addRename(_ text: String) throws(NameMapError) {
    guard let separator = text.lastIndex(of: "=") else {
      throw .badRename(text, reason: "it has no =")
    }
    let rename = Rename(
      pattern: String(text[..<separator]),
      template: String(text[text.index(after: separator)...])
    )
    _ = try CompiledRename(rename)
    renames.append(rename)
  }

  /// Adds a rename that takes a prefix off, such as PyTorch's `module.`.
  ///
  /// - Parameter prefix: The prefix, letter by letter.
  public mutating func strip(prefix: String) {
    let literal = prefix.unicodeScalars.map { scalar in
      scalar.properties.isAlphabetic || scalar == "_"
        || ("0"..."9").contains(scalar)
        ? String(scalar) : "\\" + String(scalar)
    }
    renames.append(Rename(pattern: "^" + literal.joined(), template: ""))
  }

  /// The wrapper's prefix that every name has, if there is one.
  ///
  /// - Parameter names: A checkpoint's names.
  /// - Returns: One of ``StateDictMismatch/knownPrefixes``.
  public static func wrapperPrefix<Names: Collection<String>>(
    of names: Names
  ) -> String? {
    StateDictMismatch.knownPrefixes.first { prefix in
      !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) }
    }
  }

  /// The values under their new names, in order.
  ///
  /// - Parameter values: Values by old name.
  /// - Returns: What is taken, by new name.
  /// - Throws: ``NameMapError`` where two would have one name, where the table
  ///   has a name that is not there, and for expressions that can't be read.
  public func apply<Value>(
    to values: OrderedDictionary<String, Value>
  ) throws(NameMapError) -> OrderedDictionary<String, Value> {
    if let stray = table.keys.first(where: { values[$0] == nil }) {
      throw .unknownName(
        stray,
        nearest: NameDistance.nearest(to: stray, in: values.keys)
      )
    }
    let rename = try rename()
    var result: OrderedDictionary<String, Value> = [:]
    var origins: [String: String] = [:]
    for (old, value) in values where takes(old) {
      let new = rename(old)
      if let other = origins.updateValue(old, forKey: new) {
        throw .collision(new, old: [other, old])
      }
      result[new] = value
    }
    return result
  }

  /// The new name that any name would have, whether it is taken or not.
  ///
  /// - Returns: A function from old names to new ones.
  /// - Throws: ``NameMapError`` for expressions that can't be read.
  public func rename() throws(NameMapError) -> (String) -> String {
    var compiled: [CompiledRename] = []
    for rename in renames { compiled.append(try CompiledRename(rename)) }
    let table = table
    return { [compiled] old in
      table[old] ?? compiled.reduce(old) { $1.apply(to: $0) }
    }
  }

  /// Whether a name passes the patterns.
  ///
  /// - Parameter name: The name.
  /// - Returns: True where it is taken.
  public func takes(_ name: String) -> Bool {
    (includes.isEmpty || includes.contains { $0.matches(name) })
      && !excludes.contains { $0.matches(name) }
  }
}

extension NameMap {
  /// Reads a table of renames: a line each, `old<TAB>new`; empty lines and
  /// lines that begin with `#` are passed over.
  ///
  /// `\t`, `\n`, `\r`, `\#` and `\\` in names stand for a tab, the ends of a
  /// line, a `#` and a backslash.
  ///
  /// - Parameter text: The file's content.
  /// - Throws: ``NameMapError`` with the line's number.
  public init(parsing text: String) throws(NameMapError) {
    self.init()
    let lines = text.split(
      omittingEmptySubsequences: false,
      whereSeparator: \.isNewline
    )
    for (index, line) in lines.enumerated() {
      guard !line.allSatisfy({ $0 == " " || $0 == "\t" }),
        !line.hasPrefix("#")
      else { continue }
      let fields = line.split(
        separator: "\t",
        omittingEmptySubsequences: false
      )
      guard fields.count == 2, !fields[1].isEmpty,
        let old = Self.unescaped(fields[0]),
        let new = Self.unescaped(fields[1])
      else { throw .badLine(number: index + 1, text: String(line)) }
      guard table.updateValue(new, forKey: old) == nil else {
        throw .badLine(number: index + 1, text: "\(old) is there twice")
      }
    }
  }

  /// A line of a table of renames, without its end.
  ///
  /// - Parameters:
  ///   - old: The old name.
  ///   - new: The new name.
  /// - Returns: A line that ``init(parsing:)`` reads.
  public static func line(_ old: String, _ new: String) -> String {
    escaped(old) + "\t" + escaped(new)
  }

  private static let escapes: [(letter: Character, plain: Character)] = [
    ("\\", "\\"), ("t", "\t"), ("n", "\n"), ("r", "\r"), ("#", "#"),
  ]

  private static func escaped(_ name: String) -> String {
    name.unicodeScalars.reduce(into: "") { text, scalar in
      let escape = escapes.first { $0.plain == Character(scalar) }
      text += escape.map { "\\\($0.letter)" } ?? String(scalar)
    }
  }

  private static func unescaped(_ text: Substring) -> String? {
    var name = ""
    var rest = text
    while let letter = rest.popFirst() {
      guard letter == "\\" else {
        name.append(letter)
        continue
      }
      guard let next = rest.popFirst(),
        let escape = escapes.first(where: { $0.letter == next })
      else { return nil }
      name.append(escape.plain)
    }
    return name
  }
}

/// A map of names that can't be used.
public enum NameMapError: Error, Sendable, Hashable {
  /// A rename can't be read.
  case badRename(String, reason: String)
  /// A line of a table can't be read.
  case badLine(number: Int, text: String)
  /// The table has a name that the checkpoint does not have.
  case unknownName(String, nearest: String?)
  /// Two tensors would have one name.
  case collision(String, old: [String])
}

extension NameMapError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .badRename(let text, let reason):
      "the rename \(text) can't be read: \(reason)"
    case .badLine(let number, let text):
      "line \(number) of the table is not old<TAB>new: \(text)"
    case .unknownName(let name, let nearest):
      "the table renames \(name), which is not there"
        + (nearest.map { " (near: \($0))" } ?? "")
    case .collision(let name, let old):
      old.joined(separator: " and ") + " would both be called \(name)"
    }
  }
}

/// A rename that is ready to be done; a `Regex` can't be kept in the map, which
/// is `Sendable`.
private struct CompiledRename {
  private enum Part {
    case text(String)
    case group(Int)
  }

  private let regex: Regex<AnyRegexOutput>
  private let parts: [Part]

  init(_ rename: NameMap.Rename) throws(NameMapError) {
    let text = rename.pattern + "=" + rename.template
    do {
      regex = try Regex(rename.pattern)
    } catch {
      throw .badRename(text, reason: "\(error)")
    }
    var parts: [Part] = []
    var rest = rename.template[...]
    while let letter = rest.popFirst() {
      guard letter == "\\" else {
        parts.append(.text(String(letter)))
        continue
      }
      guard let next = rest.popFirst() else {
        throw .badRename(text, reason: "it ends with a backslash")
      }
      if let group = next.wholeNumberValue, next.isASCII {
        parts.append(.group(group))
      } else if next == "\\" {
        parts.append(.text("\\"))
      } else {
        throw .badRename(text, reason: "\\\(next) is no group")
      }
    }
    self.parts = parts
    let groups = Self.groupCount(of: rename.pattern)
    for case .group(let number) in parts where number > groups {
      throw .badRename(text, reason: "there is no group \(number)")
    }
  }

  /// The groups that capture: each `(` without `?`, and each `(?<name>`.
  private static func groupCount(of pattern: String) -> Int {
    var count = 0
    var isEscaped = false
    var isInSet = false
    let letters = Array(pattern)
    for (index, letter) in letters.enumerated() {
      if isEscaped {
        isEscaped = false
      } else if letter == "\\" {
        isEscaped = true
      } else if letter == "[" {
        isInSet = true
      } else if letter == "]" {
        isInSet = false
      } else if letter == "(", !isInSet {
        let next = letters[(index + 1)...].prefix(3)
        let isNamed =
          next.starts(with: "?<") && next.last != "=" && next.last != "!"
        if next.first != "?" || isNamed { count += 1 }
      }
    }
    return count
  }

  func apply(to name: String) -> String {
    var result = ""
    var end = name.startIndex
    for match in name.matches(of: regex) {
      result += name[end..<match.range.lowerBound]
      for part in parts {
        switch part {
        case .text(let text): result += text
        case .group(let number):
          guard number < match.output.count else { continue }
          result += match.output[number].substring ?? ""
        }
      }
      end = match.range.upperBound
    }
    return result + name[end...]
  }
}
