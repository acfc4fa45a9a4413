internal import OrderedCollections
internal import Pickle

/// What a Python object holds, by the names that PyTorch gives its parts.
extension GraphReader {
  typealias Member = ObjectWalk.Member

  func members(_ pairs: PickleGraph.Pairs) -> [Member] {
    pairs.map { Member(name: .key($0.key), id: $0.value) }
  }

  func members(_ children: PickleGraph.Children) -> [Member] {
    children.enumerated().map {
      Member(
        name: .index(UInt32(truncatingIfNeeded: $0.offset)),
        id: $0.element
      )
    }
  }

  /// Whether an object is a dictionary of a known class.
  func isMapping(_ id: PickleGraph.NodeID) -> Bool {
    switch call(id)?.function {
    case .orderedDict, .defaultDict, .counter: true
    default: false
    }
  }

  /// Whether an object is a mapping or a set of a known class.
  func isContainer(_ id: PickleGraph.NodeID) -> Bool {
    switch call(id)?.function {
    case .orderedDict, .defaultDict, .counter, .set, .frozenSet: true
    default: false
    }
  }

  /// Whether an object is a pickled `torch.nn.Module`.
  func isModule(_ id: PickleGraph.NodeID) -> Bool {
    guard let state = graph.object(id)?.state, graph.kind(state) == .dict else {
      return false
    }
    return value(of: "_parameters", in: state) != nil
      && value(of: "_modules", in: state) != nil
  }

  /// The value under a text key of a dict.
  func value(
    of key: StaticString,
    in dict: PickleGraph.NodeID
  ) -> PickleGraph.NodeID? {
    graph.pairs(dict).last { graph.string($0.key, equals: key) }?.value
  }

  /// The parts of an object: items, arguments, attributes.
  func objectMembers(_ id: PickleGraph.NodeID) -> [Member] {
    guard let object = graph.object(id) else { return [] }
    if let state = object.state, isModule(id) { return moduleMembers(state) }
    var result: [Member] = []
    if isMapping(id) {
      result += mappingArguments(object)
    } else if isContainer(id) {
      // set([…]): the elements stand in the constructor's argument.
      let elements = graph.children(object.arguments).first
      result += elements.map { members(graph.children($0)) } ?? []
    } else {
      result += members(graph.children(object.arguments))
      if let keywords = object.keywordArguments {
        result += members(graph.pairs(keywords))
      }
    }
    result += members(object.dictItems)
    result += members(object.listItems)
    result += members(object.setItems)
    if let state = object.state { result += attributes(state, of: id) }
    return result
  }

  /// The items that a mapping's constructor is given.
  ///
  /// Python 2 writes `OrderedDict([[key, value], …])`; a Counter is given a
  /// dict; a defaultdict's factory is no item.
  private func mappingArguments(_ object: PickleGraph.Object) -> [Member] {
    guard let first = graph.children(object.arguments).first else { return [] }
    switch graph.kind(first) {
    case .dict: return members(graph.pairs(first))
    case .list, .tuple:
      return graph.children(first).enumerated().map { index, item in
        let pair = Array(graph.children(item))
        guard pair.count == 2 else {
          return Member(
            name: .index(UInt32(truncatingIfNeeded: index)),
            id: item
          )
        }
        return Member(name: .key(pair[0]), id: pair[1])
      }
    default: return []
    }
  }

  /// The attributes in an object's state.
  private func attributes(
    _ state: PickleGraph.NodeID,
    of id: PickleGraph.NodeID
  ) -> [Member] {
    switch graph.kind(state) {
    case .dict:
      let pairs = graph.pairs(state)
      // A state dict's `_metadata` is shown as the modules' versions.
      let hides = isMapping(id)
      return pairs.lazy
        .filter { [graph] in
          !hides || !graph.string($0.key, equals: "_metadata")
        }
        .map { Member(name: .key($0.key), id: $0.value) }
    case .tuple:
      // (attributes, slots): either may be None.
      let parts = graph.children(state)
      guard parts.allSatisfy({ [.dict, .none].contains(graph.kind($0)) }) else {
        return members(parts)
      }
      return parts.flatMap { members(graph.pairs($0)) }
    case .none: return []
    default: return [Member(name: .same, id: state)]
    }
  }

  /// The versions in a state dict's attribute `_metadata`.
  func moduleVersions(
    of id: PickleGraph.NodeID
  ) -> OrderedDictionary<String, Int> {
    guard isMapping(id), let state = graph.object(id)?.state,
      let metadata = value(of: "_metadata", in: state)
    else { return [:] }
    let pairs =
      graph.kind(metadata) == .dict
      ? graph.pairs(metadata) : graph.object(metadata)?.dictItems
    var versions: OrderedDictionary<String, Int> = [:]
    for pair in pairs.map({ Array($0) }) ?? [] {
      if let path = graph.string(pair.key),
        let version = value(of: "version", in: pair.value).flatMap({
          graph.int($0)
        })
      {
        versions[path] = version
      }
    }
    return versions
  }

  /// A module's parts in the order of `state_dict()`: parameters, buffers,
  /// submodules; its other attributes behind.
  private func moduleMembers(_ state: PickleGraph.NodeID) -> [Member] {
    let hidden = value(of: "_non_persistent_buffers_set", in: state)
    let hiddenNames = Set(hidden.map { setTexts($0) } ?? [])
    var result: [Member] = []
    for part: StaticString in ["_parameters", "_buffers", "_modules"] {
      guard let dict = value(of: part, in: state) else { continue }
      for member in items(dict) where graph.kind(member.id) != .none {
        if case .key(let key) = member.name,
          hiddenNames.contains(keyText(key))
        {
          continue
        }
        result.append(member)
      }
    }
    for pair in graph.pairs(state) {
      let name = keyText(pair.key)
      guard !["_parameters", "_buffers", "_modules"].contains(name),
        !(name.hasPrefix("_") && isEmptyContainer(pair.value)),
        name != "_non_persistent_buffers_set"
      else { continue }
      result.append(Member(name: .key(pair.key), id: pair.value))
    }
    return result
  }

  /// The items of a dict or of an object that is a mapping.
  private func items(_ id: PickleGraph.NodeID) -> [Member] {
    graph.kind(id) == .dict ? members(graph.pairs(id)) : objectMembers(id)
  }

  /// The texts of a set.
  func setTexts(_ id: PickleGraph.NodeID) -> [String] {
    if graph.kind(id) == .set { return graph.children(id).map { keyText($0) } }
    guard let first = call(id)?.arguments.first else { return [] }
    return graph.children(first).map { keyText($0) }
  }

  private func isEmptyContainer(_ id: PickleGraph.NodeID) -> Bool {
    switch graph.kind(id) {
    case .dict: graph.pairs(id).isEmpty
    case .list, .tuple, .set, .frozenSet: graph.children(id).isEmpty
    case .object: isMapping(id) && objectMembers(id).isEmpty
    case .none: true
    default: false
    }
  }

  /// The value of an object that stands for a plain one.
  func objectValue(
    _ id: PickleGraph.NodeID,
    _ function: TorchFunction,
    _ arguments: PickleGraph.Children
  ) -> (type: String, value: PlainValue)? {
    switch function {
    case .encode, .bytes: return bytes(id).map { ("bytes", .bytes($0)) }
    case .byteArray:
      guard let first = arguments.first else {
        return ("bytearray", .bytes([]))
      }
      if let bytes = bytes(first) { return ("bytearray", .bytes(bytes)) }
      return graph.string(first).flatMap(latin1).map {
        ("bytearray", .bytes($0))
      }
    case .complex:
      let parts = arguments.compactMap { graph.float($0) }
      guard parts.count == 2 else { return nil }
      let sign = parts[1].sign == .minus ? "" : "+"
      return ("complex", .described("(\(parts[0])\(sign)\(parts[1])j)"))
    case .size:
      guard let sizes = try? integers(id, "the size") else { return nil }
      return ("torch.Size", .described("\(sizes)"))
    case .device:
      let parts = arguments.map { keyText($0) }
      return ("torch.device", .string(parts.joined(separator: ":")))
    case .numpyDType:
      return NumpyDecoder(self).dtypeName(id).map {
        ("numpy.dtype", .string($0))
      }
    case .layout:
      guard let name = arguments.first.flatMap({ graph.string($0) }) else {
        return nil
      }
      return ("torch.layout", .string(name))
    default: return nil
    }
  }

  /// The bytes that a text is in Latin-1; nil where it has other letters.
  func latin1(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
