internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Copies values of one pickle into another, identities and cycles included.
struct GraphGraft {
  typealias NodeID = PickleGraph.NodeID

  /// Gives the persistent id that names a storage in the target.
  typealias StorageCopy = (
    inout GraphBuilder, StorageReference
  ) throws -> NodeID

  private let reader: GraphReader
  private let storage: StorageCopy
  /// The copy of each node of the source, by its number.
  private var copies: [NodeID?] = []
  /// The nodes that have a copy.
  private var copied: [NodeID] = []
  private var begun: Set<NodeID> = []

  /// - Parameters:
  ///   - source: Where the values are.
  ///   - storage: Takes over a storage.
  init(_ source: PickleGraph, storage: @escaping StorageCopy) {
    reader = GraphReader(source)
    self.storage = storage
  }

  /// Copies values of an object whose storages stay as they are.
  ///
  /// - Parameter content: The object, with its storages.
  init(_ content: PickledContent) {
    let storages = content.storages
    self.init(content.graph) { builder, reference in
      guard let entry = storages[reference.key] else {
        throw CheckpointError(
          .damaged,
          "there is no storage \(reference.key)"
        )
      }
      return builder.storage(
        entry.storage,
        as: reference.type,
        location: reference.location
      )
    }
  }

  private enum Step {
    case visit(NodeID)
    case fill(NodeID)
    case make(NodeID)
    case change(NodeID)
  }

  /// Copies a value and everything in it.
  ///
  /// - Throws: ``CheckpointError`` for a value that only the source's own
  ///   pickle can hold, and what the storages throw.
  mutating func copy(
    _ root: NodeID,
    into target: inout GraphBuilder
  ) throws -> NodeID {
    if copies.isEmpty {
      copies = Array(repeating: nil, count: reader.graph.nodeCount)
    }
    // Nothing recurses: a file chooses the depth.
    var steps: [Step] = [.visit(root)]
    while let step = steps.popLast() {
      switch step {
      case .visit(let id): try visit(id, &target, &steps)
      case .fill(let id): try fill(id, &target)
      case .make(let id): try make(id, &target, &steps)
      case .change(let id): try change(id, &target)
      }
    }
    return try known(root)
  }

  /// Forgets what was copied, for another target.
  mutating func begin() {
    for id in copied { copies[id.index] = nil }
    copied = []
    begun = []
  }

  private mutating func note(_ copy: NodeID, of id: NodeID) {
    copies[id.index] = copy
    copied.append(id)
  }

  private func known(_ id: NodeID) throws -> NodeID {
    if let copy = copies[id.index] { return copy }
    throw reader.fault(id, "the value is made of itself")
  }

  private mutating func visit(
    _ id: NodeID,
    _ target: inout GraphBuilder,
    _ steps: inout [Step]
  ) throws {
    let graph = reader.graph
    guard copies[id.index] == nil else { return }
    if reader.isStorage(id) {
      note(try storage(&target, reader.storageReference(id)), of: id)
      return
    }
    switch graph.kind(id) {
    case .list: note(target.graph.addList(), of: id)
    case .tuple: note(target.graph.addTuple([]), of: id)
    case .set: note(target.graph.addSet(), of: id)
    case .frozenSet: note(target.graph.addFrozenSet([]), of: id)
    case .dict: note(target.graph.addDict(), of: id)
    case .object, .persistentID:
      // One that is met inside its own arguments is made there.
      guard begun.insert(id).inserted else {
        return try make(id, &target, &steps)
      }
      steps.append(.make(id))
      if let object = graph.object(id) {
        if let keywords = object.keywordArguments {
          steps.append(.visit(keywords))
        }
        steps.append(.visit(object.arguments))
        steps.append(.visit(object.callable))
      } else if let inner = graph.persistentID(id) {
        steps.append(.visit(inner))
      }
      return
    default:
      note(try leaf(id, &target), of: id)
      return
    }
    steps.append(.fill(id))
    let start = steps.count
    if graph.kind(id) == .dict {
      for (key, value) in graph.pairs(id) {
        steps.append(.visit(key))
        steps.append(.visit(value))
      }
    } else {
      for child in graph.children(id) { steps.append(.visit(child)) }
    }
    steps.reverse(from: start)
  }

  private func leaf(
    _ id: NodeID,
    _ target: inout GraphBuilder
  ) throws -> NodeID {
    let graph = reader.graph
    switch graph.kind(id) {
    case .none: return target.graph.addNone()
    case .bool: return target.graph.addBool(graph.bool(id) ?? false)
    case .int: return target.graph.addInt(graph.int(id) ?? 0)
    case .bigInt: return target.graph.addBigInt(graph.bigIntBytes(id) ?? [])
    case .float: return target.graph.addFloat(graph.float(id) ?? 0)
    case .byteArray: return target.graph.addByteArray(graph.bytes(id) ?? [])
    case .string, .bytes:
      let bytes = unsafe graph.withUnsafeBytes(of: id) { unsafe Array($0) }
      if graph.isPython2String(id) {
        return target.graph.addPython2String(bytes ?? [])
      }
      if graph.kind(id) == .bytes { return target.graph.addBytes(bytes ?? []) }
      guard let text = target.graph.addString(utf8: bytes ?? []) else {
        throw reader.fault(id, "a text is no text")
      }
      return text
    case .global:
      guard let global = graph.global(id) else {
        throw reader.fault(id, "a class's name is computed")
      }
      return target.global(global.module, global.name)
    case .extension:
      return target.graph.addExtension(
        code: Int32(clamping: graph.extensionCode(id) ?? 1)
      )
    default:
      throw CheckpointError(
        .unsupported,
        "a buffer outside of its pickle can't be moved",
        offset: reader.offset(id)
      )
    }
  }

  private func fill(_ id: NodeID, _ target: inout GraphBuilder) throws {
    let graph = reader.graph
    if graph.kind(id) == .dict {
      target.graph.setPairs(try pairs(graph.pairs(id)), of: try known(id))
    } else {
      let children = try graph.children(id).map { try known($0) }
      // A frozen set's and a tuple's too: they were begun empty.
      target.graph.setChildren(children, of: try known(id))
    }
  }

  private func pairs(
    _ pairs: PickleGraph.Pairs
  ) throws -> [(key: NodeID, value: NodeID)] {
    try pairs.map { (key: try known($0.key), value: try known($0.value)) }
  }

  private mutating func make(
    _ id: NodeID,
    _ target: inout GraphBuilder,
    _ steps: inout [Step]
  ) throws {
    guard copies[id.index] == nil else { return }
    let graph = reader.graph
    if let object = graph.object(id) {
      let callable = try known(object.callable)
      let arguments = try known(object.arguments)
      switch object.construction {
      case .reduce, .inst, .obj:
        note(
          target.graph.addReduce(callable: callable, arguments: arguments),
          of: id
        )
      case .newObj, .newObjEx:
        let keywords = try object.keywordArguments.map { try known($0) }
        note(
          target.graph.addNewObj(
            callable: callable,
            arguments: arguments,
            keywordArguments: keywords
          ),
          of: id
        )
      }
    } else if let inner = graph.persistentID(id) {
      note(target.graph.addPersistentID(try known(inner)), of: id)
    }
    guard graph.hasChanges(id) else { return }
    steps.append(.change(id))
    for change in graph.changes(id).reversed() {
      switch change {
      case .listItems(let items), .setItems(let items):
        steps += items.reversed().map { .visit($0) }
      case .dictItems(let items):
        for (key, value) in items.reversed() {
          steps.append(.visit(value))
          steps.append(.visit(key))
        }
      case .state(let state), .call(let state): steps.append(.visit(state))
      }
    }
  }

  private func change(_ id: NodeID, _ target: inout GraphBuilder) throws {
    let copy = try known(id)
    for change in reader.graph.changes(id) {
      switch change {
      case .listItems(let items):
        for item in items { target.graph.append(try known(item), to: copy) }
      case .dictItems(let items):
        for (key, value) in items {
          target.graph.append(
            key: try known(key),
            value: try known(value),
            to: copy
          )
        }
      case .state(let state):
        target.graph.setState(try known(state), of: copy)
      case .setItems, .call:
        throw CheckpointError(
          .unsupported,
          "the value is changed in a way that can't be moved",
          offset: reader.offset(id)
        )
      }
    }
  }
}
