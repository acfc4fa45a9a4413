/// What would run if Python loaded a file.
public struct ScanReport: Sendable {
  /// The path as it was given.
  public let file: String

  /// Every pickle in the file.
  public internal(set) var pickles: [ScannedPickle] = []

  /// What is wrong with the containers around them.
  public internal(set) var findings: [Finding] = []

  /// The worst verdict on anything in the file.
  ///
  /// A container that is not as it should be is `unknown` at least: readers
  /// may see other pickles in it.
  public var verdict: Verdict {
    let worst = pickles.map(\.verdict).max() ?? .safe
    if isUnreadable { return .dangerous }
    let container: Verdict =
      findings.contains { $0.severity != .note } ? .unknown : .safe
    return max(worst, container)
  }

  /// Whether a part can't be read, so that it may hold anything.
  var isUnreadable = false

  /// Whether nothing was found.
  public var isClean: Bool { verdict == .safe }
}

/// One pickle and what it imports.
public struct ScannedPickle: Sendable {
  /// Where the pickle lies: a record's name, `archive!record` for one inside
  /// an archive inside; empty for the file itself.
  public let location: String

  /// The byte at which it starts, in the record or file.
  public let offset: Int

  /// The bytes that it takes, as far as it could be read.
  public let byteCount: Int

  /// The protocol that it says it has.
  public let protocolVersion: Int

  /// What it imports, each name once, in order of appearance.
  public let globals: [ScannedGlobal]

  /// Why it can't be read to its end.
  public let failure: String?

  /// The byte at which it can't be read, in the record or file.
  public let failureOffset: Int?

  /// The worst verdict on its imports; dangerous where it can't be read to its
  /// end, because what Python would do with the rest is not known.
  public var verdict: Verdict {
    failure != nil ? .dangerous : globals.map(\.verdict).max() ?? .safe
  }
}

/// One name that a pickle imports.
public struct ScannedGlobal: Sendable {
  /// Module and name, joined by a dot.
  public let name: String
  /// How it is judged.
  public internal(set) var verdict: Verdict
  /// The opcode that imports it first.
  public let opcode: String
  /// That opcode's byte, in the record or file.
  public let offset: Int
  /// Where in the pickle's value it is first used; nil where it is outside.
  public let keyPath: String?
  /// In how many places it is imported.
  public internal(set) var importCount: Int
  /// How often it is called.
  public internal(set) var callCount: Int
  /// The opcode that calls it first, and its byte.
  public internal(set) var firstCall: (opcode: String, offset: Int)?
  /// Whether the pickle changes the class or module itself, or what it gives
  /// out and others hold too.
  public internal(set) var isChanged: Bool
  /// Whether the pickle passes on what gives out such things.
  public internal(set) var isPassedOn: Bool
}
