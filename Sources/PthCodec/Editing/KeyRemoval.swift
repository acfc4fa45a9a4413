internal import OrderedCollections
internal import Pickle
internal import Tensors

extension GraphEditor {
  /// Removes what has no name that is taken.
  ///
  /// Whole entries of dictionaries go; a list, a tuple or an object is kept or
  /// removed as a whole, since its other parts would no longer be what they
  /// were.
  ///
  /// - Parameters:
  ///   - places: The object's places.
  ///   - takes: Whether a tensor or value of a name is taken.
  /// - Returns: Whether anything was removed.
  /// - Throws: ``CheckpointError`` for an object of which only a part is taken,
  ///   and where nothing is.
  mutating func keep(
    _ places: ObjectPlaces,
    where takes: (String) -> Bool
  ) throws(CheckpointError) -> Bool {
    let all = places.places
    var total = [Int](repeating: 0, count: all.count)
    var taken = total
    for index in all.indices.reversed() {
      if let name = all[index].name {
        total[index] += 1
        if takes(name) { taken[index] += 1 }
      }
      if let parent = all[index].parent {
        total[parent] += total[index]
        taken[parent] += taken[index]
      }
    }
    guard let count = taken.first, count > 0 || total[0] == 0 else {
      throw CheckpointError(.mismatch, "nothing has a name that is taken")
    }
    var removed = Removal()
    for (index, place) in all.enumerated() {
      guard let parent = place.parent, taken[parent] > 0 else { continue }
      let isGone = total[index] > 0 && taken[index] == 0
      switch place.slot {
      case .pair(let number):
        removed.note(place.container, Int(number), isGone)
      case .same: break
      case .element, .attribute:
        guard isGone else { continue }
        throw CheckpointError(
          .unsupported,
          "only a part of \(typeName(place.container)) is taken",
          keyPath: places.path(of: index),
          hint: "take it as a whole, or leave it out as a whole"
        )
      }
    }
    return try remove(removed, places)
  }

  /// Removes entries by their paths.
  ///
  /// - Throws: ``CheckpointError`` for a path that leads nowhere, or to what is
  ///   no entry of a dictionary.
  mutating func drop(
    _ paths: [String],
    from places: ObjectPlaces
  ) throws(CheckpointError) -> Bool {
    var removed = Removal()
    for path in paths {
      guard let index = places.place(at: path) else {
        throw places.notFound(path)
      }
      let place = places.places[index]
      guard case .pair(let number) = place.slot else {
        throw CheckpointError(
          .unsupported,
          "only entries of dictionaries can be dropped",
          keyPath: path
        )
      }
      removed.pairs[place.container, default: []].insert(Int(number))
    }
    return try remove(removed, places)
  }

  private func typeName(_ id: NodeID) -> String {
    GraphReader(graph).typeName(id)
  }

  private mutating func remove(
    _ removed: Removal,
    _ places: ObjectPlaces
  ) throws(CheckpointError) -> Bool {
    if let container = removed.contradiction {
      throw CheckpointError(
        .unsupported,
        "a \(typeName(container)) is at several places, so its entries can't "
          + "be removed at one",
        keyPath: places.places.firstIndex { $0.container == container }
          .flatMap { places.path(of: $0) }
      )
    }
    for (container, numbers) in removed.pairs where !numbers.isEmpty {
      let pairs = Array(graph.pairs(container)).enumerated()
        .filter { !numbers.contains($0.offset) }
        .map(\.element)
      graph.setPairs(pairs, of: container)
    }
    return removed.pairs.contains { !$0.value.isEmpty }
  }

  /// The pairs that go, by their container.
  private struct Removal {
    var pairs: [NodeID: Set<Int>] = [:]
    private var kept: [NodeID: Set<Int>] = [:]
    private(set) var contradiction: NodeID?

    mutating func note(_ container: NodeID, _ number: Int, _ isGone: Bool) {
      if isGone {
        pairs[container, default: []].insert(number)
      } else {
        kept[container, default: []].insert(number)
      }
      if pairs[container]?.contains(number) == true,
        kept[container]?.contains(number) == true
      {
        contradiction = container
      }
    }
  }
}

extension ObjectPlaces {
  /// The path of a place: keys and indices joined by dots.
  func path(of index: Int) -> String {
    chain(to: index).map { places[$0] }.filter { $0.slot != .same }
      .map(\.text).joined(separator: ".")
  }
}
