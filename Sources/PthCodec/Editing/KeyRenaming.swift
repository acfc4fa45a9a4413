internal import OrderedCollections
internal import Pickle
internal import Tensors

extension GraphEditor {
  /// Gives tensors new names by new keys of the dictionaries that hold them.
  ///
  /// A name is a path, so a rename can change the keys along it, but can't move
  /// a tensor from one dictionary to another.
  ///
  /// - Parameters:
  ///   - places: The object's places.
  ///   - names: New names by old ones.
  ///   - rename: What the rename makes of any name, for modules' paths.
  /// - Throws: ``CheckpointError`` for a name that no change of keys gives.
  mutating func rename(
    _ places: ObjectPlaces,
    to names: [String: String],
    rename: @escaping (String) -> String
  ) throws(CheckpointError) {
    var keys = NewKeys(places)
    let own = Set(places.places.filter(\.isTensor).compactMap(\.name))
    let parts = SortedNames(names.keys.filter { !own.contains($0) })
    for (index, place) in places.places.enumerated() where place.isTensor {
      guard let old = place.name else { continue }
      if let new = names[old] {
        try keys.take(index, old: old, new: new)
        continue
      }
      // The parts of a sparse tensor go with it, all or none.
      for part in parts.under(old) {
        guard let new = names[part] else { continue }
        let suffix = part.dropFirst(old.count)
        guard new.hasSuffix(suffix) else { throw Self.moved(part, new) }
        try keys.take(index, old: old, new: String(new.dropLast(suffix.count)))
      }
    }
    let before = GraphReader(graph)
    for (container, changed) in try keys.byContainer() {
      try setKeys(changed.keys, of: container, at: changed.path, before)
      renameModules(of: container, changed, before, rename)
    }
  }

  fileprivate static func moved(
    _ old: String,
    _ new: String
  ) -> CheckpointError {
    CheckpointError(
      .unsupported,
      "a rename to \(new) would move the tensor into another container",
      keyPath: old,
      hint: "only keys are renamed; take the part with --key first"
    )
  }

  private mutating func setKeys(
    _ keys: [Int: String],
    of container: NodeID,
    at path: String,
    _ before: GraphReader
  ) throws(CheckpointError) {
    var pairs = Array(graph.pairs(container))
    var seen: Set<String> = []
    for index in pairs.indices {
      let key = keys[index] ?? keyText(pairs[index].key, before)
      guard seen.insert(key).inserted || keys.isEmpty else {
        throw CheckpointError(
          .mismatch,
          "two entries would have the key \(key)",
          keyPath: path
        )
      }
    }
    for (index, key) in keys.sorted(by: { $0.key < $1.key })
    where keyText(pairs[index].key, before) != key {
      pairs[index].key = text(key)
    }
    graph.setPairs(pairs, of: container)
  }

  /// A key's text, by a reader that does not know the latest ones.
  private func keyText(_ key: NodeID, _ before: GraphReader) -> String {
    key.index < before.graph.nodeCount
      ? before.keyText(key) : graph.string(key) ?? ""
  }

  private mutating func renameModules(
    of container: NodeID,
    _ changed: NewKeys.Container,
    _ before: GraphReader,
    _ rename: @escaping (String) -> String
  ) {
    guard let state = graph.object(container)?.state,
      let metadata = before.value(of: "_metadata", in: state)
    else { return }
    let prefix = changed.path.isEmpty ? "" : changed.path + "."
    let modules = ModuleRenaming(keys: changed.all) { path in
      let new = rename(prefix + path)
      return new.hasPrefix(prefix) ? String(new.dropFirst(prefix.count)) : path
    }
    var pairs: [(key: NodeID, value: NodeID)] = []
    var places: [String: Int] = [:]
    for pair in Array(graph.pairs(metadata)) {
      guard let old = graph.string(pair.key) else {
        pairs.append(pair)
        continue
      }
      let new = modules.newPath(of: old)
      if let place = places[new] {
        // As in Python, the later one takes the place of the first.
        pairs[place].value = pair.value
        continue
      }
      places[new] = pairs.count
      pairs.append((new == old ? pair.key : text(new), pair.value))
    }
    graph.setPairs(pairs, of: metadata)
  }
}

/// The keys that a rename gives to the pairs on the way to each tensor.
private struct NewKeys {
  private let places: ObjectPlaces
  private var texts: [Int: String] = [:]

  /// A dictionary with changed keys.
  struct Container {
    /// Its path, after the rename.
    let path: String
    /// New keys by the number of the pair.
    var keys: [Int: String] = [:]
    /// All decided keys, changed or not.
    var all: [(old: String, new: String)] = []
  }

  init(_ places: ObjectPlaces) {
    self.places = places
  }

  /// Decides on the keys along the way to a tensor.
  mutating func take(
    _ index: Int,
    old: String,
    new: String
  ) throws(CheckpointError) {
    let chain = places.chain(to: index)
      .filter { places.places[$0].slot != .same }
    guard let last = chain.last else {
      guard old != new else { return }
      throw CheckpointError(
        .unsupported,
        "a bare tensor has no name that could be changed",
        keyPath: old
      )
    }
    var oldRest = old[...]
    var rest = new[...]
    for place in chain.dropLast() {
      let text = places.places[place].text
      oldRest = oldRest.dropFirst(text.count + 1)
      let key: String
      if let decided = texts[place] {
        key = decided
      } else if rest.hasPrefix(text + ".") {
        key = text
      } else if rest.hasSuffix("." + oldRest) {
        key = String(rest.dropLast(oldRest.count + 1))
      } else {
        throw GraphEditor.moved(old, new)
      }
      guard rest.hasPrefix(key + "."), set(key, at: place) else {
        throw GraphEditor.moved(old, new)
      }
      rest = rest.dropFirst(key.count + 1)
    }
    // A second tensor of one name has a number behind it, which is no key.
    let key = rest == oldRest ? places.places[last].text : String(rest)
    guard set(key, at: last) else { throw GraphEditor.moved(old, new) }
  }

  /// Decides on a key.
  ///
  /// - Returns: Whether the place can have it.
  private mutating func set(_ key: String, at place: Int) -> Bool {
    texts[place] = key
    if case .pair = places.places[place].slot { return true }
    return key == places.places[place].text
  }

  /// The dictionaries whose keys change.
  ///
  /// - Throws: ``CheckpointError`` for one that is at two places and would
  ///   have other keys at each.
  func byContainer() throws(CheckpointError)
    -> OrderedDictionary<PickleGraph.NodeID, Container>
  {
    var result: OrderedDictionary<PickleGraph.NodeID, Container> = [:]
    var decided: [PickleGraph.NodeID: [Int: String]] = [:]
    for (index, place) in places.places.enumerated() {
      guard case .pair(let number) = place.slot, let text = texts[index] else {
        continue
      }
      let other = decided[place.container, default: [:]]
        .updateValue(text, forKey: Int(number))
      guard other == nil || other == text else {
        throw CheckpointError(
          .unsupported,
          "the dictionary is at several places, so its keys can't be renamed "
            + "at one",
          keyPath: place.name ?? place.text
        )
      }
      if result[place.container] == nil {
        let path = places.chain(to: place.parent ?? 0)
          .filter { places.places[$0].slot != .same }
          .map { texts[$0] ?? places.places[$0].text }
          .joined(separator: ".")
        result[place.container] = Container(path: path)
      }
      result[place.container]?.all.append((place.text, text))
      if text != place.text {
        result[place.container]?.keys[Int(number)] = text
      }
    }
    return result.filter { !$0.value.keys.isEmpty }
  }
}
