/// A pattern that a whole name must match.
///
/// `*` stands for any letters, `?` for one, `[a-c]` for one of some, `[!a-c]` for
/// one of all others.
public struct NameGlob: Sendable, Hashable {
  /// The pattern as it was written.
  public let pattern: String

  private enum Part: Sendable, Hashable {
    case scalar(Unicode.Scalar)
    case any
    case one
    case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
  }

  private let parts: [Part]

  /// Reads a pattern; a `[` without its `]` stands for itself.
  ///
  /// - Parameter pattern: The pattern.
  public init(_ pattern: String) {
    self.pattern = pattern
    let scalars = Array(pattern.unicodeScalars)
    var parts: [Part] = []
    var index = 0
    while index < scalars.count {
      switch scalars[index] {
      case "*": if parts.last != .any { parts.append(.any) }
      case "?": parts.append(.one)
      case "[":
        if let (set, end) = Self.set(scalars, from: index + 1) {
          parts.append(set)
          index = end
        } else {
          parts.append(.scalar("["))
        }
      case let scalar: parts.append(.scalar(scalar))
      }
      index += 1
    }
    self.parts = parts
  }

  private static func set(
    _ scalars: [Unicode.Scalar],
    from start: Int
  ) -> (Part, end: Int)? {
    var index = start
    let isNegated = index < scalars.count && scalars[index] == "!"
    if isNegated { index += 1 }
    let first = index
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    while index < scalars.count {
      if scalars[index] == "]", index > first {
        return (.set(ranges, isNegated: isNegated), index)
      }
      if index + 2 < scalars.count, scalars[index + 1] == "-",
        scalars[index + 2] != "]", scalars[index] <= scalars[index + 2]
      {
        ranges.append(scalars[index]...scalars[index + 2])
        index += 3
      } else {
        ranges.append(scalars[index]...scalars[index])
        index += 1
      }
    }
    return nil
  }

  /// Whether the whole name fits the pattern.
  ///
  /// - Parameter name: The name.
  /// - Returns: True where it fits.
  public func matches(_ name: String) -> Bool {
    let scalars = Array(name.unicodeScalars)
    var part = 0
    var index = 0
    // The last star and the letters that it takes so far.
    var star: (part: Int, index: Int)?
    while index < scalars.count {
      if part < parts.count, parts[part] == .any {
        star = (part, index)
        part += 1
      } else if part < parts.count, fits(parts[part], scalars[index]) {
        part += 1
        index += 1
      } else if let last = star {
        star = (last.part, last.index + 1)
        part = last.part + 1
        index = last.index + 1
      } else {
        return false
      }
    }
    return parts[part...].allSatisfy { $0 == .any }
  }

  private func fits(_ part: Part, _ scalar: Unicode.Scalar) -> Bool {
    switch part {
    case .scalar(let own): own == scalar
    case .one: true
    case .set(let ranges, let isNegated):
      ranges.contains { $0.contains(scalar) } != isNegated
    case .any: false
    }
  }
}
