internal import OrderedCollections
internal import Pickle
public import Tensors

/// Other names, and fewer tensors.
///
/// Of a PyTorch file the object itself is changed: keys get other names,
/// entries go, and everything else stays as it is. Storages that nothing
/// mentions any more go too.
extension Checkpoint {
  /// The checkpoint with chosen tensors under new names.
  ///
  /// A name is a path through the object, so new names must be reachable by
  /// new keys of its dictionaries. The versions in `_metadata` go with their
  /// modules.
  ///
  /// - Parameter map: What is taken, and the new names.
  /// - Returns: The changed checkpoint; itself where the map changes nothing.
  /// - Throws: `NameMapError` where two tensors would have one name, or the
  ///   map's table has a name that is not there; ``CheckpointError`` for a
  ///   rename that no change of keys gives, and where nothing is taken.
  public func renamed(by map: NameMap) throws -> Checkpoint {
    if needsUpdate { return try updated().renamed(by: map) }
    guard !map.isIdentity else { return self }
    let newNames = try map.apply(
      to: OrderedDictionary(uniqueKeysWithValues: tensors.keys.map { ($0, $0) })
    )
    let chosen = try filtered { map.takes($0) }
    let names = Dictionary(
      uniqueKeysWithValues: newNames.map { ($0.value, $0.key) }
    )
    guard names.contains(where: { $0.key != $0.value }) else { return chosen }
    let rename = try map.rename()
    guard let pickled = chosen.pickled else {
      return chosen.renamedTensors(names, rename)
    }
    return try chosen.edited { editor in
      try editor.rename(
        ObjectPlaces(pickled),
        to: names,
        rename: rename
      )
      return true
    }
  }

  private func renamedTensors(
    _ names: [String: String],
    _ rename: @escaping (String) -> String
  ) -> Checkpoint {
    var result = self
    result.tensors = [:]
    for (name, tensor) in tensors {
      result.tensors[names[name] ?? name] = tensor
    }
    let modules = ModuleRenaming(
      keys: tensors.keys.map { ($0, names[$0] ?? $0) },
      rename: rename
    )
    result.moduleVersions = [:]
    for (path, version) in moduleVersions {
      result.moduleVersions[modules.newPath(of: path)] = version
    }
    return result
  }

  /// The checkpoint with chosen tensors and values only.
  ///
  /// - Parameters:
  ///   - including: Patterns of names to take (`fc.*`); all where it is empty.
  ///   - excluding: Patterns of names to leave out.
  /// - Returns: The changed checkpoint.
  /// - Throws: ``CheckpointError`` where nothing is taken, or only a part of
  ///   a list or an object.
  public func filtered(
    including: [String] = [],
    excluding: [String] = []
  ) throws -> Checkpoint {
    var map = NameMap()
    map.includes = including.map { NameGlob($0) }
    map.excludes = excluding.map { NameGlob($0) }
    return try filtered { map.takes($0) }
  }

  func filtered(_ takes: (String) -> Bool) throws -> Checkpoint {
    if needsUpdate { return try updated().filtered(takes) }
    guard
      !tensors.keys.allSatisfy(takes) || !values.allSatisfy({ takes($0.path) })
    else { return self }
    guard tensors.keys.contains(where: takes) || tensors.isEmpty else {
      throw CheckpointError(
        .mismatch,
        "no tensor has a name that is taken",
        file: path,
        hint: tensors.keys.first.map { "the first tensor is \($0)" }
      )
    }
    guard let pickled else {
      var result = self
      result.tensors = tensors.filter { takes($0.key) }
      result.values = values.filter { takes($0.path) }
      return result
    }
    return try edited { try $0.keep(ObjectPlaces(pickled), where: takes) }
  }

  /// The checkpoint with a prefix taken off its tensors' names, as PyTorch's
  /// `consume_prefix_in_state_dict_if_present` does it.
  ///
  /// - Parameter prefix: The prefix, such as `module.` or `_orig_mod.`.
  /// - Returns: The changed checkpoint.
  /// - Throws: ``CheckpointError`` where no name has the prefix, and what
  ///   ``renamed(by:)`` throws.
  public func strippingPrefix(_ prefix: String) throws -> Checkpoint {
    guard tensors.keys.contains(where: { $0.hasPrefix(prefix) }) else {
      throw CheckpointError(
        .mismatch,
        "no tensor's name begins with \(prefix)",
        file: path,
        hint: tensors.keys.first.map { "the first tensor is \($0)" }
      )
    }
    var map = NameMap()
    map.strip(prefix: prefix)
    return try renamed(by: map)
  }

  /// One part of the checkpoint as a checkpoint of its own.
  ///
  /// - Parameter path: The part's path, such as `model` in a training state:
  ///   keys and indices joined by dots.
  /// - Returns: The part, with nothing else around it.
  /// - Throws: ``CheckpointError`` where there is nothing at the path.
  public func part(_ path: String) throws -> Checkpoint {
    if needsUpdate { return try updated().part(path) }
    if let pickled {
      let places = try ObjectPlaces(pickled)
      guard let index = places.place(at: path) else {
        throw places.notFound(path).located(file: self.path)
      }
      return try edited { editor in
        editor.graph.root = places.places[index].node
        editor.graph.discarded = []
        return true
      }
    }
    var result = self
    result.tensors = [:]
    for (name, tensor) in tensors where name.hasPrefix(path + ".") {
      result.tensors[String(name.dropFirst(path.count + 1))] = tensor
    }
    if let tensor = tensors[path] {
      result.tensors[Self.bareTensorName] = tensor
    }
    guard !result.tensors.isEmpty else { throw notFound(path) }
    result.values = values.filter { $0.path.hasPrefix(path + ".") }.map {
      CheckpointValue(
        path: String($0.path.dropFirst(path.count + 1)),
        type: $0.type,
        value: $0.value
      )
    }
    result.moduleVersions = [:]
    for (module, version) in moduleVersions {
      if module == path { result.moduleVersions[""] = version }
      guard module.hasPrefix(path + ".") else { continue }
      result.moduleVersions[String(module.dropFirst(path.count + 1))] = version
    }
    return result
  }

  /// The checkpoint without some of its parts.
  ///
  /// - Parameter paths: The paths of entries, such as `optimizer`.
  /// - Returns: The rest.
  /// - Throws: ``CheckpointError`` for a path that leads nowhere, or to what
  ///   is no entry of a dictionary.
  public func dropping(_ paths: String...) throws -> Checkpoint {
    try dropping(paths)
  }

  /// The checkpoint without some of its parts.
  ///
  /// - Parameter paths: The paths of entries.
  /// - Returns: The rest.
  /// - Throws: As ``dropping(_:)-(String...)`` does.
  public func dropping(_ paths: [String]) throws -> Checkpoint {
    guard !paths.isEmpty else { return self }
    if needsUpdate { return try updated().dropping(paths) }
    if let pickled {
      return try edited { try $0.drop(paths, from: ObjectPlaces(pickled)) }
    }
    func isDropped(_ name: String) -> Bool {
      paths.contains { name == $0 || name.hasPrefix($0 + ".") }
    }
    for path in paths
    where !tensors.keys.contains(where: {
      $0 == path || $0.hasPrefix(path + ".")
    })
      && !values.contains(where: {
        $0.path == path || $0.path.hasPrefix(path + ".")
      })
    {
      throw notFound(path)
    }
    var result = self
    result.tensors = tensors.filter { !isDropped($0.key) }
    result.values = values.filter { !isDropped($0.path) }
    return result
  }

  private func notFound(_ path: String) -> CheckpointError {
    CheckpointError(
      .mismatch,
      "there is nothing at \(path)",
      file: self.path,
      hint: NameDistance.nearest(to: path, in: tensors.keys)
        .map { "the nearest name is \($0)" }
    )
  }

  /// One checkpoint of the tensors of several, such as a model's shards.
  ///
  /// - Parameter parts: Checkpoints that hold tensors alone.
  /// - Returns: A state dict of all tensors, in order, with all modules'
  ///   versions.
  /// - Throws: ``CheckpointError`` for a name that two of them have, and for
  ///   values that are no tensors.
  public static func merged(_ parts: [Checkpoint]) throws -> Checkpoint {
    var result = Checkpoint(
      format: parts.first?.format ?? .pytorchZip,
      tensors: [:]
    )
    for part in parts {
      if let value = part.values.first {
        throw CheckpointError(
          .unsupported,
          "only state dicts can be merged, and this has a \(value.type)",
          file: part.path,
          keyPath: value.path
        )
      }
      for (name, tensor) in part.tensors {
        guard result.tensors.updateValue(tensor, forKey: name) == nil else {
          throw CheckpointError(
            .mismatch,
            "two of the parts have the tensor \(name)",
            file: part.path,
            keyPath: name
          )
        }
      }
      result.moduleVersions.merge(part.moduleVersions) { first, _ in first }
      result.metadata.merge(part.metadata) { first, _ in first }
    }
    return result
  }
}
