public import OrderedCollections

/// A proposal which tensor of a checkpoint is which parameter of a model.
///
/// It is made from shapes, names and order. What rests on order alone is
/// doubtful, since two layers of one shape may well be the other way round: it
/// is told, but ``map`` never has it.
public struct NameSuggestion: Sendable {
  /// A pair of names.
  public struct Match: Sendable, Hashable {
    /// The checkpoint's name.
    public let old: String
    /// The model's name.
    public let new: String
    /// How sure it is, from 0 to 1.
    public let confidence: Double
    /// Why, as a phrase.
    public let reason: String
  }

  /// The pairs that are sure enough, in the model's order.
  public let matches: [Match]

  /// Pairs for a person to look at, in the model's order.
  public let doubtful: [Match]

  /// The checkpoint's names without a partner.
  public let unmatched: [String]

  /// The model's names without a partner.
  public let missing: [String]

  /// The least confidence that ``matches`` have.
  public static let threshold = 0.75

  /// The pairs that are sure enough, as a map.
  public var map: NameMap {
    var map = NameMap()
    for match in matches where match.old != match.new {
      map.table[match.old] = match.new
    }
    return map
  }

  /// The proposal as a file for ``NameMap/init(parsing:)``: doubtful pairs are
  /// comments, to be uncommented by a person.
  public var text: String {
    var lines = ["# checkpoint's name<TAB>model's name"]
    lines += matches.map { NameMap.line($0.old, $0.new) }
    if !doubtful.isEmpty {
      lines.append("# doubtful: remove the # where they are right")
      lines += doubtful.map {
        "#" + NameMap.line($0.old, $0.new)
      }
    }
    lines += missing.map { "# the model's \($0) has no partner" }
    lines += unmatched.map { "# the checkpoint's \($0) has no partner" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Proposes names.
  ///
  /// - Parameters:
  ///   - tensors: The checkpoint's tensors, in its order.
  ///   - parameters: The model's parameters and buffers, in its order.
  public init(
    from tensors: OrderedDictionary<String, Tensor>,
    to parameters: [ParameterDescription]
  ) {
    var matcher = NameMatcher(tensors, parameters)
    matcher.matchEqualNames()
    matcher.matchByEvidence()
    matcher.matchByOrder()
    let found = parameters.compactMap { matcher.found[$0.key] }
    matches = found.filter { $0.confidence >= Self.threshold }
    doubtful = found.filter { $0.confidence < Self.threshold }
    let partners = Set(found.map(\.old))
    unmatched = tensors.keys.filter { !partners.contains($0) }
    missing = parameters.map(\.key).filter { matcher.found[$0] == nil }
  }
}

/// Pairs names, the surest first.
private struct NameMatcher {
  /// What a tensor and its parameter must have in common.
  private struct Kind: Hashable {
    let shape: [Int]
    let isFloat: Bool
    let leaf: String
  }

  private struct Candidate {
    let name: String
    let place: Place
    var kind: Kind { place.kind }
    var module: String { place.module }

    init(_ name: String, _ shape: [Int], _ dtype: DType) {
      let (module, leaf) = NameMatcher.split(name)
      let kind = Kind(
        shape: shape,
        isFloat: dtype.isFloatingPoint,
        leaf: NameMatcher.synonyms[leaf] ?? leaf
      )
      self.name = name
      place = Place(kind: kind, module: module)
    }
  }

  private struct Place: Hashable {
    let kind: Kind
    let module: String
  }

  private(set) var found: [String: NameSuggestion.Match] = [:]
  private var old: [Candidate]
  private var new: [Candidate]
  /// The model's module for each of the checkpoint's that is known.
  private var modules: [String: String] = [:]

  init(
    _ tensors: OrderedDictionary<String, Tensor>,
    _ parameters: [ParameterDescription]
  ) {
    new = parameters.map { Candidate($0.key, $0.shape, $0.dtype) }
    // Nothing is ever paired with what has another shape.
    let shapes = Set(parameters.map(\.shape))
    old = tensors.compactMap { name, tensor in
      shapes.contains(tensor.shape)
        ? Candidate(name, tensor.shape, tensor.dtype) : nil
    }
  }

  static func split(_ name: String) -> (module: String, leaf: String) {
    guard let dot = name.lastIndex(where: { $0 == "." || $0 == "/" }) else {
      return ("", name)
    }
    return (String(name[..<dot]), String(name[name.index(after: dot)...]))
  }

  /// What other frameworks call PyTorch's parameters.
  private static let synonyms = [
    "kernel": "weight", "gamma": "weight", "scale": "weight", "w": "weight",
    "beta": "bias", "b": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var", "moving_var": "running_var",
  ]

  private mutating func pair(
    _ first: Candidate,
    _ second: Candidate,
    _ confidence: Double,
    _ reason: String
  ) {
    found[second.name] = NameSuggestion.Match(
      old: first.name,
      new: second.name,
      confidence: confidence,
      reason: reason
    )
    if confidence >= NameSuggestion.threshold, modules[first.module] == nil {
      modules[first.module] = second.module
    }
    old.removeAll { $0.name == first.name }
    new.removeAll { $0.name == second.name }
  }

  /// Pairs equal names, with and without a wrapper's prefix.
  mutating func matchEqualNames() {
    for prefix in [""] + StateDictMismatch.knownPrefixes {
      var targets = Dictionary(grouping: new, by: \.name)
      for first in old where first.name.hasPrefix(prefix) {
        let rest = String(first.name.dropFirst(prefix.count))
        guard let second = targets[rest]?.first,
          second.kind.shape == first.kind.shape
        else { continue }
        targets[rest] = nil
        pair(
          first,
          second,
          prefix.isEmpty ? 1 : 0.98,
          prefix.isEmpty ? "same name" : "same name after \(prefix)"
        )
      }
    }
  }

  /// Pairs what only one partner is left for, and what lies in modules that
  /// are known to belong together, until nothing more is found.
  mutating func matchByEvidence() {
    var count: Int
    repeat {
      count = found.count
      var partners = Dictionary(grouping: new, by: \.place)
      for first in old {
        guard let module = modules[first.module],
          let places = partners[Place(kind: first.kind, module: module)],
          places.count == 1
        else { continue }
        pair(first, places[0], 0.9, "its module is \(module)")
        partners = Dictionary(grouping: new, by: \.place)
      }
      // Who is the only one stays so: pairing takes away, and adds none.
      let rivals = Dictionary(grouping: old, by: \.kind)
      for second in new {
        guard let first = rivals[second.kind], first.count == 1,
          new.count(where: { $0.kind == second.kind }) == 1
        else { continue }
        pair(first[0], second, 0.85, "the only ones of their shape")
      }
    } while found.count > count
  }

  /// Pairs what has the same numbers in its name; then what is left, in order:
  /// that is doubtful.
  mutating func matchByOrder() {
    // Layers that one side counts from 0 and the other from 1 have numbers in
    // common too, so all numbers of a kind must be the same.
    for (kind, rivals) in Dictionary(grouping: old, by: \.kind) {
      let partners = new.filter { $0.kind == kind }
      let numbers = rivals.map { Self.numbers(in: $0.name) }
      let others = partners.map { Self.numbers(in: $0.name) }
      guard Set(numbers).count == numbers.count,
        Set(others).count == others.count, Set(numbers) == Set(others)
      else { continue }
      for (first, own) in zip(rivals, numbers) {
        guard let index = others.firstIndex(of: own) else { continue }
        pair(first, partners[index], 0.8, "the same numbers in their names")
      }
    }
    for first in old {
      if let second = new.first(where: { $0.kind == first.kind }) {
        pair(first, second, 0.5, "the next of this shape and kind")
      } else if let second = new.first(where: {
        $0.kind.shape == first.kind.shape
          && $0.kind.isFloat == first.kind.isFloat
      }) {
        pair(first, second, 0.3, "the next of this shape")
      }
    }
  }

  private static func numbers(in name: String) -> [Int] {
    name.split { !$0.isASCII || !$0.isNumber }.compactMap { Int($0) }
  }
}
