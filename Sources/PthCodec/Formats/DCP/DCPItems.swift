internal import Pickle
internal import Tensors

/// An object as the flat items that a distributed checkpoint has.
///
/// Dicts, and lists that hold tensors or dicts, are taken apart; everything
/// else is an item. As `flatten_state_dict` and `traverse_state_dict` of torch
/// 2.13 do it.
struct DCPItems {
  typealias NodeID = PickleGraph.NodeID

  /// A step into the nested object.
  enum Step {
    /// A dict's key as text, and the text's own node, if it is one.
    case key(String, NodeID?)
    /// A list's index.
    case index(Int)

    var text: String {
      switch self {
      case .key(let text, _): text
      case .index(let index): String(index)
      }
    }
  }

  /// One item.
  struct Item {
    let name: String
    let path: [Step]
    let node: NodeID
    /// The tensor; nil for another value, which is pickled.
    let tensor: Tensor?
  }

  /// The items in the object's order.
  private(set) var items: [Item] = []

  /// What can't be kept.
  private(set) var losses: LossReport

  private let reader: GraphReader
  private let graph: PickleGraph
  private var decoder: TensorDecoder
  private let openLists: PickleGraph.NodeSet
  private var names: Set<String> = []
  /// By its index, the number in `users` of what first has a node; 0 for none.
  private var firstUsers: [UInt32]
  private var users = [""]
  /// By its index, the last item, counted from 1, whose parts include a node.
  private var lastItems: [UInt32]
  private var storageUsers: [String: String] = [:]
  private var stack: [Frame] = []
  private var isOpen: Set<NodeID> = []
  private var stepsLeft: Int
  private var bytesLeft: Int

  /// As deep as Python's recursion lets torch go.
  private static let maxDepth = 1000

  private struct Frame {
    let id: NodeID
    let path: [Step]
    let members: [(step: Step, id: NodeID)]
    var next = 0
  }

  /// Takes an object apart.
  ///
  /// - Throws: ``CheckpointError`` for an object without a flat form.
  init(_ content: PickledContent) throws {
    graph = content.graph
    reader = GraphReader(content.graph)
    losses = LossReport(.dcp)
    let storages = content.storages
    decoder = TensorDecoder(
      reader: reader,
      storages: StorageTable { reference, byteCount in
        try storages.storage(reference, byteCount)
      }
    )
    openLists = Self.openLists(reader)
    firstUsers = Array(repeating: 0, count: graph.nodeCount)
    lastItems = firstUsers
    // Shared parts are written once for each mention.
    stepsLeft = graph.nodeCount.multipliedReportingOverflow(by: 8).partialValue
    stepsLeft = max(stepsLeft, graph.nodeCount) + 10_000
    let size = graph.walkedSize.multipliedReportingOverflow(by: 16).partialValue
    bytesLeft = max(size, graph.walkedSize) + (4 << 20)
    let root = graph.root
    if reader.mappingPairs(root) != nil {
      try push(root, path: [])
    } else {
      let name = Checkpoint.bareTensorName
      losses.add(name, "dcp holds a dict, of which this becomes an item")
      try visit(root, path: [.key(name, nil)])
    }
    while let last = stack.indices.last {
      guard stack[last].next < stack[last].members.count else {
        isOpen.remove(stack.removeLast().id)
        continue
      }
      let member = stack[last].members[stack[last].next]
      stack[last].next += 1
      try visit(member.id, path: stack[last].path + [member.step])
    }
  }

  private mutating func visit(_ id: NodeID, path: [Step]) throws {
    let name = Self.name(path)
    try spend(bytes: name.utf8.count)
    do {
      if reader.mappingPairs(id) == nil, !openLists.contains(id) {
        try addItem(id, name, path)
        return
      }
      guard !isOpen.contains(id) else {
        throw reader.fault(id, "a dict or list that holds itself has no end")
      }
      guard path.count < Self.maxDepth else {
        throw CheckpointError(
          .limit,
          "dicts and lists are nested deeper than \(Self.maxDepth)"
        )
      }
      noteAlias(id, name)
      try push(id, path: path)
    } catch let error as CheckpointError {
      throw error.located(keyPath: name)
    }
  }

  private static func name(_ path: [Step]) -> String {
    path.map(\.text).joined(separator: ".")
  }

  private mutating func spend(steps: Int = 1, bytes: Int = 0) throws {
    stepsLeft -= steps
    bytesLeft -= bytes
    guard stepsLeft > 0, bytesLeft > 0 else {
      throw CheckpointError(
        .limit,
        "parts of the object are shared so often that writing each mention "
          + "would never end",
        hint: "write a format that keeps sharing, such as pth"
      )
    }
  }

  private mutating func push(_ id: NodeID, path: [Step]) throws {
    try spend(
      steps: graph.kind(id) == .dict
        ? graph.pairs(id).count : graph.children(id).count
    )
    isOpen.insert(id)
    var members: [(step: Step, id: NodeID)] = []
    if let pairs = reader.mappingPairs(id) {
      noteMapping(id, pairs.map(\.key), path)
      members = pairs.map { pair in
        let isText = graph.kind(pair.key) == .string
        return (
          .key(keyText(pair.key), isText ? pair.key : nil), pair.value
        )
      }
    } else {
      members = graph.children(id).enumerated().map {
        (.index($0.offset), $0.element)
      }
    }
    stack.append(Frame(id: id, path: path, members: members))
  }

  /// The text that Python's `str` gives for a key.
  private func keyText(_ id: NodeID) -> String {
    guard graph.kind(id) == .tuple else { return reader.keyText(id) }
    let parts = graph.children(id).map { part in
      let text = reader.keyText(part)
      return graph.kind(part) == .string ? "'\(text)'" : text
    }
    return parts.count == 1
      ? "(\(parts[0]),)" : "(\(parts.joined(separator: ", ")))"
  }

  /// Notes what a dict has besides its items.
  private mutating func noteMapping(
    _ id: NodeID,
    _ keys: [NodeID],
    _ path: [Step]
  ) {
    let name = Self.name(path)
    if keys.isEmpty, !path.isEmpty {
      losses.add(name, "dcp has no empty dicts")
    }
    if let key = keys.first(where: { graph.kind($0) != .string }) {
      losses.add(
        name,
        "dcp makes the key \(keyText(key)) text"
          + (keys.count > 1 ? ", and others" : "")
      )
    }
    guard let object = graph.object(id) else { return }
    // An OrderedDict is a dict with another name; the others do more.
    if reader.call(id)?.function != .orderedDict {
      losses.add(name, "dcp makes the \(reader.typeName(id)) a dict")
    }
    guard let state = object.state, !graph.pairs(state).isEmpty else { return }
    for (key, _) in graph.pairs(state) {
      losses.add(
        (path.map(\.text) + [reader.keyText(key)]).joined(separator: "."),
        "dcp has no place for a dict's attributes"
      )
    }
  }

  private mutating func noteAlias(_ id: NodeID, _ name: String) {
    let first = Int(firstUsers[id.index])
    guard first == 0 else {
      let user = users[first]
      return losses.add(
        name,
        "dcp does not keep that it is the same as \(user)"
      )
    }
    if users.last != name { users.append(name) }
    firstUsers[id.index] = UInt32(truncatingIfNeeded: users.count - 1)
  }

  // MARK: Items

  private mutating func addItem(
    _ id: NodeID,
    _ name: String,
    _ path: [Step]
  ) throws {
    guard names.insert(name).inserted else {
      throw CheckpointError(
        .unsupported,
        "two items would have this name, one of them by a key with a dot",
        hint: "rename one with --rename"
      )
    }
    let tensor = try tensor(id, name)
    items.append(Item(name: name, path: path, node: id, tensor: tensor))
    if let tensor { noteTraits(of: tensor, id, name) }
    try noteSharing(id, name, isTensor: tensor != nil)
  }

  /// The tensor that becomes a tensor in the file.
  ///
  /// What torch can't load as one is pickled: it comes back all the same.
  private mutating func tensor(_ id: NodeID, _ name: String) throws -> Tensor? {
    guard reader.isTensor(id),
      case .dense(let tensor) = try decoder.tensor(id)?.content,
      !tensor.storage.isMeta, tensor.quantization == nil,
      !tensor.dtype.isQuantized, !tensor.dtype.isBits
    else { return nil }
    return tensor
  }

  private mutating func noteTraits(
    of tensor: Tensor,
    _ id: NodeID,
    _ name: String
  ) {
    if !tensor.layout.isContiguous {
      losses.add(name, "dcp does not keep the strides \(tensor.layout.strides)")
    }
    if tensor.device != "cpu" {
      losses.add(name, "dcp does not keep the device \(tensor.device)")
    }
    switch reader.call(id)?.function {
    case .rebuildParameter:
      losses.add(name, "dcp makes the Parameter a tensor")
    case .rebuildParameterWithState:
      losses.add(name, "dcp makes the Parameter a tensor, without attributes")
    case .rebuildFromType, .rebuildFromTypeV2:
      let type = reader.call(id)?.arguments.dropFirst().first
        .flatMap { graph.global($0)?.name }
      losses.add(
        name,
        type == "Tensor"
          ? "dcp does not keep the tensor's attributes"
          : "dcp makes the \(type ?? "subclass") a plain tensor"
      )
    default: break
    }
  }

  /// Notes lists, dicts and storages that another item has too.
  private mutating func noteSharing(
    _ id: NodeID,
    _ name: String,
    isTensor: Bool
  ) throws {
    let item = UInt32(truncatingIfNeeded: items.count)
    var pending = [id]
    while let node = pending.popLast() {
      guard lastItems[node.index] != item else { continue }
      lastItems[node.index] = item
      try spend(bytes: byteCount(of: node))
      switch graph.kind(node) {
      case .list, .dict, .set, .byteArray:
        if !isTensor { noteAlias(node, name) }
      case .persistentID where reader.isStorage(node):
        let key = try reader.storageReference(node).key
        if let user = storageUsers[key], user != name {
          losses.add(
            name,
            "dcp does not keep that it shares memory with \(user)"
          )
        }
        storageUsers[key] = storageUsers[key] ?? name
        continue
      default: break
      }
      pending += graph.references(of: node)
    }
  }

  /// The bytes of a text or the like, which each item has its own copy of.
  private func byteCount(of id: NodeID) -> Int {
    if graph.kind(id) == .bigInt { return graph.bigIntBytes(id)?.count ?? 0 }
    return unsafe graph.withUnsafeBytes(of: id) { $0.count } ?? 0
  }

  /// The lists that are taken apart: those that hold tensors or dicts, at any
  /// depth of lists.
  private static func openLists(_ reader: GraphReader) -> PickleGraph.NodeSet {
    let graph = reader.graph
    // A list's mentions in other lists, each with the number of the next one.
    var mentions: [(parent: NodeID, next: UInt32)] = [(graph.root, 0)]
    var firstMention = [UInt32](repeating: 0, count: graph.nodeCount)
    var open = PickleGraph.NodeSet(capacity: graph.nodeCount)
    var pending: [NodeID] = []
    for id in graph.nodes where graph.kind(id) == .list {
      for child in graph.children(id) {
        if graph.kind(child) == .list {
          let number = UInt32(truncatingIfNeeded: mentions.count)
          mentions.append((id, firstMention[child.index]))
          firstMention[child.index] = number
        } else if !open.contains(id),
          reader.isTensor(child) || reader.mappingPairs(child) != nil
        {
          open.insert(id)
          pending.append(id)
        }
      }
    }
    while let id = pending.popLast() {
      var number = Int(firstMention[id.index])
      while number != 0 {
        let mention = mentions[number]
        if open.insert(mention.parent) { pending.append(mention.parent) }
        number = Int(mention.next)
      }
    }
    return open
  }
}

extension DType {
  /// Whether the elements are bits without a meaning, whose size torch's
  /// planner can't tell.
  fileprivate var isBits: Bool {
    switch self {
    case .bits8, .bits16, .bits1x8, .bits2x4, .bits4x2: true
    default: false
    }
  }
}
