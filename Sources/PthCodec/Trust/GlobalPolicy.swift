internal import Pickle
public import Tensors

/// How a name in a pickle is judged.
public enum Verdict: String, Sendable, Hashable, CaseIterable, Comparable {
  /// It only builds data.
  case safe
  /// Nothing is known of it: it does what its module's author wrote.
  case unknown
  /// It runs code or programs, or lets a pickle get at anything.
  case dangerous

  /// Verdicts compare by how bad they are.
  public static func < (a: Verdict, b: Verdict) -> Bool {
    a.rank < b.rank
  }

  private var rank: Int {
    switch self {
    case .safe: 0
    case .unknown: 1
    case .dangerous: 2
    }
  }
}

/// Judges what pickles import, by name alone.
public struct GlobalPolicy: Sendable {
  /// Names that are taken as safe, as `module.name`.
  public var allowed: [NameGlob]

  /// Makes a policy.
  ///
  /// - Parameter allowed: Further names that are taken as safe.
  public init(allowed: [NameGlob] = []) {
    self.allowed = allowed
  }

  /// The verdict on a name.
  ///
  /// - Parameter name: What a pickle imports.
  /// - Returns: How it is judged.
  func verdict(on name: Scanner.Name) -> Verdict {
    switch name {
    case .global(let module, let name):
      if allowed.contains(where: { $0.matches(module + "." + name) }) {
        return .safe
      }
      return Self.verdict(module: module, name: name)
    case .module(let module):
      return Self.dangerous.covers(module, "*") ? .dangerous : .unknown
    // What a registry or a computation names, nobody can tell.
    case .extension, .computed: return .dangerous
    }
  }

  /// The verdict on something that a pickle imports.
  ///
  /// A class that a pickle changes is changed for the whole program, and so is
  /// what others hold too, got from a function that hands such things out.
  /// `getattr`, of which every call gets something by a plain name, is as bad
  /// as the worst that it gets: so Python writes the cases of enumerations.
  ///
  /// - Parameter finding: The import.
  /// - Returns: How it is judged.
  func verdict(on finding: Scanner.Finding) -> Verdict {
    let alone = verdict(on: finding.name)
    guard !changesShared(finding), !givesAway(finding) else {
      return .dangerous
    }
    guard alone == .dangerous, finding.isNamingOnly, !finding.fillsResult else {
      return alone
    }
    return finding.namedByCalls.map { verdict(on: $0) }.max() ?? alone
  }

  /// Whether a pickle changes what the whole program shares: what it imports,
  /// or what that gives out.
  func changesShared(_ finding: Scanner.Finding) -> Bool {
    finding.isChanged || finding.fillsResult && isShared(finding.name)
  }

  /// Whether a pickle has something else call what gives out shared things.
  func givesAway(_ finding: Scanner.Finding) -> Bool {
    finding.isPassedOn && isShared(finding.name)
  }

  private func isShared(_ name: Scanner.Name) -> Bool {
    guard case .global(let module, let name) = name else { return false }
    return Self.shared.lists(module, name)
  }

  private static func verdict(module: String, name: String) -> Verdict {
    let parts =
      name.utf8.contains(UInt8(ascii: "."))
      ? name.split(separator: ".").map(String.init) : []
    guard parts.count > 1 else {
      if safe.lists(module, name) { return .safe }
      // `__builtins__`, `__loader__` and the like lead out of every module.
      if name.hasPrefix("__"), name.hasSuffix("__") { return .dangerous }
      if safe.covers(module, name) || isDType(module, name)
        || isStorage(module, name) || isException(module, name)
      {
        return .safe
      }
      return dangerous.covers(module, name) ? .dangerous : .unknown
    }
    if safe.lists(module, name) { return .safe }
    // `torch.serialization os.system`: a name with dots walks out of its
    // module through what that has imported.
    let walksOut = parts.contains {
      dangerous.covers($0, "*") || dangerous.covers("builtins", $0)
        || $0.hasPrefix("__")
    }
    return walksOut || safe.hasModule(module)
      || dangerous.hasModule(module) || dangerous.covers(module, parts[0])
      || module == "torch" || module.hasPrefix("torch.")
      ? .dangerous : .unknown
  }

  private static func isDType(_ module: String, _ name: String) -> Bool {
    module == "torch"
      && (DType(torchName: name) != nil || smallIntegers.contains(name))
  }

  private static let smallIntegers = Set(
    (1...7).flatMap { ["int\($0)", "uint\($0)"] }
  )

  /// `torch.FloatStorage`, `torch.cuda.HalfTensor`: what older files name.
  private static func isStorage(_ module: String, _ name: String) -> Bool {
    switch module {
    case "torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse":
      break
    default: return false
    }
    return elementTypes.contains { type in
      name == type + "Storage" || name == type + "Tensor"
    }
  }

  private static let elementTypes = [
    "Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char",
    "Byte", "Bool", "ComplexDouble", "ComplexFloat", "QInt8", "QUInt8",
    "QInt32", "QUInt4x2", "QUInt2x4", "Untyped",
  ]

  private static func isException(_ module: String, _ name: String) -> Bool {
    (module == "builtins" || module == "exceptions")
      && (name.hasSuffix("Error") || name.hasSuffix("Exception"))
  }

  private static let safe = NameTable(
    GlobalTable.safe + "\n" + GlobalTable.modules
  )
  private static let dangerous = NameTable(GlobalTable.dangerous)
  private static let shared = NameTable(GlobalTable.shared)
}

/// Names by module, read from lines of a table.
private struct NameTable: Sendable {
  private var names: [String: Set<String>] = [:]
  private var trees: Set<String> = []

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard var module = words.first, module.hasSuffix(":") else { continue }
      module.removeLast()
      if module.hasSuffix("+") {
        module.removeLast()
        trees.insert(module)
      }
      names[module, default: []].formUnion(words.dropFirst())
    }
  }

  /// Whether a module has a line of its own.
  func hasModule(_ module: String) -> Bool { names[module] != nil }

  /// Whether a name is in the table by itself.
  func lists(_ module: String, _ name: String) -> Bool {
    names[module]?.contains(name) ?? false
  }

  /// Whether a name is in the table, by itself or with its whole module; the
  /// name `*` asks for the whole module.
  func covers(_ module: String, _ name: String) -> Bool {
    if let known = names[module], known.contains(name) || known.contains("*") {
      return true
    }
    var rest = Substring(module)
    while let dot = rest.lastIndex(of: ".") {
      rest = rest[..<dot]
      if trees.contains(String(rest)) { return true }
    }
    return false
  }
}
