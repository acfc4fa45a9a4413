internal import OrderedCollections
internal import Pickle
internal import Tensors

// What a PyTorch object has beside the values that the walk names.
extension LossReport {
  /// Adds what only a pickle can hold: the versions in state dicts below the
  /// root, sparse and nested tensors as such, tensors' own classes.
  mutating func addObject(of checkpoint: Checkpoint) {
    guard let content = checkpoint.pickled else { return }
    let places: ObjectPlaces
    do {
      places = try ObjectPlaces(content)
    } catch {
      return add("", "\(format) does not keep the object: \(error.message)")
    }
    let reader = GraphReader(content.graph)
    for (index, place) in places.places.enumerated() {
      if let name = place.name {
        guard place.isTensor, let reason = reason(place.node, reader) else {
          continue
        }
        add(name, "\(format) \(reason)")
      } else if index > 0 {
        // The root's are the checkpoint's own.
        let versions = reader.moduleVersions(of: place.node)
        // A path takes as long as it is deep.
        guard !versions.isEmpty else { continue }
        addModuleVersions(versions, at: places.path(of: index) + "._metadata")
      }
    }
  }

  private func reason(
    _ id: PickleGraph.NodeID,
    _ reader: GraphReader
  ) -> String? {
    switch reader.call(id)?.function {
    case .rebuildSparse, .rebuildSparseCSR:
      "has no sparse tensors: of this one only indices and values are kept"
    case .rebuildNested:
      "has no nested tensors: of this one only the parts are kept"
    case .rebuildFromType, .rebuildFromTypeV2, .rebuildWrapperSubclass:
      "keeps neither a tensor's own class nor its attributes"
    case .rebuildParameterWithState:
      "does not keep a parameter's attributes"
    default: nil
    }
  }

  /// Adds modules' versions, as one entry.
  mutating func addModuleVersions(
    _ versions: OrderedDictionary<String, Int>,
    at path: String
  ) {
    guard !versions.isEmpty else { return }
    let modules = versions.count == 1 ? "module" : "modules"
    add(
      path,
      "\(format) has no place for the versions of \(versions.count) \(modules)"
    )
  }
}
