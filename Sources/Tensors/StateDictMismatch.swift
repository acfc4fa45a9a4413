/// A state dict that does not fit a model: every difference at once.
public struct StateDictMismatch: Error, Sendable, Hashable {
  /// One key that does not fit; shapes are in elements.
  public enum Problem: Sendable, Hashable {
    /// The model has the key, the state dict does not.
    case missing(key: String, shape: [Int])
    /// The state dict has the key, the model does not.
    case unexpected(key: String, shape: [Int])
    /// Both have the key, with different shapes.
    case wrongShape(key: String, expected: [Int], actual: [Int])
    /// The tensor's elements can't be read as the model's type.
    case unreadable(key: String, reason: String)
  }

  /// The differences, in the model's order; unexpected keys last.
  public let problems: [Problem]

  /// Makes a list of differences.
  ///
  /// - Parameter problems: The differences, in the model's order.
  public init(problems: [Problem]) { self.problems = problems }

  /// The model's keys that the state dict lacks.
  public var missingKeys: [String] {
    problems.compactMap {
      if case .missing(let key, _) = $0 { key } else { nil }
    }
  }

  /// The state dict's keys that the model lacks.
  public var unexpectedKeys: [String] {
    problems.compactMap {
      if case .unexpected(let key, _) = $0 { key } else { nil }
    }
  }

  /// PyTorch's own wrappers put these before every key.
  public static let knownPrefixes = ["module.", "_orig_mod.", "model."]

  /// The prefix that all unexpected keys have before a missing one, if there
  /// is one: a wrapper's, or several such as `_orig_mod.module.`.
  public var wrapperPrefix: String? {
    let missing = Set(missingKeys)
    let unexpected = unexpectedKeys
    guard let first = unexpected.first else { return nil }
    var prefix = ""
    for _ in 0..<Self.mostWrappers {
      let rest = first.dropFirst(prefix.count)
      guard let next = Self.knownPrefixes.first(where: { rest.hasPrefix($0) })
      else {
        return nil
      }
      prefix += next
      let explainsAll = unexpected.allSatisfy {
        $0.hasPrefix(prefix)
          && missing.contains(String($0.dropFirst(prefix.count)))
      }
      if explainsAll { return prefix }
    }
    return nil
  }

  private static let mostWrappers = 4
}

extension StateDictMismatch: CustomStringConvertible {
  public var description: String {
    let prefix = wrapperPrefix
    let unexpected = unexpectedKeys
    let missing = missingKeys
    // What the prefix explains need not be told key by key.
    let explained = Set(
      prefix.map { prefix in
        unexpected.map { String($0.dropFirst(prefix.count)) }
      } ?? []
    )
    let others = problems.filter { problem in
      switch problem {
      case .missing(let key, _): !explained.contains(key)
      case .unexpected: prefix == nil
      case .wrongShape, .unreadable: true
      }
    }
    var lines = others.prefix(Self.shownProblems).map { problem in
      switch problem {
      case .missing(let key, let shape):
        "missing key \(key) \(shape)"
          + Self.hint(NameDistance.nearest(to: key, in: unexpected))
      case .unexpected(let key, let shape):
        "unexpected key \(key) \(shape)"
          + Self.hint(NameDistance.nearest(to: key, in: missing))
      case .wrongShape(let key, let expected, let actual):
        "\(key) has shape \(actual), the model's is \(expected)"
      case .unreadable(let key, let reason):
        "\(key) can't be read: \(reason)"
      }
    }
    if others.count > Self.shownProblems {
      lines.append("and \(others.count - Self.shownProblems) more")
    }
    if let prefix {
      lines.insert(
        "every key has the prefix \(prefix), which `pth convert "
          + "--strip-prefix \(prefix)` takes off",
        at: 0
      )
    } else if !missing.isEmpty, !unexpected.isEmpty {
      lines.append("`pth convert --suggest-map` proposes which key is which")
    }
    return "the state dict does not fit the model: "
      + lines.joined(separator: "; ")
  }

  private static let shownProblems = 20

  private static func hint(_ name: String?) -> String {
    name.map { " (near: \($0))" } ?? ""
  }
}
