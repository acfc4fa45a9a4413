internal import OrderedCollections
internal import Pickle
internal import Tensors

/// Walks through a checkpoint's object and names its tensors and values.
///
/// Containers that are reached twice are walked twice, as Python would show
/// them, until that takes more steps than the pickle has nodes to justify;
/// after that each is walked once. So the time stays linear where sharing
/// makes the number of paths exponential.
struct ObjectWalk {
  private(set) var decoder: TensorDecoder
  private(set) var found = FoundTensors()
  private(set) var values: [CheckpointValue] = []

  /// Decoders of a program's own classes, if there are any.
  var decoding: DecodingContext?

  private let reader: GraphReader
  private let graph: PickleGraph
  private var path: PathBuffer
  private var stack: [Frame] = []
  private var marks: [Mark]
  private var keyChecks: KeyChecks
  private var stepsLeft: Int
  private var textLeft: Int

  /// The most plain values that the object may have, and twice the most
  /// tensors.
  var mostValues = Int.max

  private enum Mark: UInt8 { case unseen, open, done }

  /// A container whose members are being walked.
  private struct Frame {
    let id: PickleGraph.NodeID
    var members: MemberList
    let mark: PathBuffer.Mark
  }

  /// A member of a container: the part of its name, and its node.
  struct Member {
    enum Name {
      case key(PickleGraph.NodeID)
      case index(UInt32)
      /// The member stands under the container's own name.
      case same
    }
    let name: Name
    let id: PickleGraph.NodeID
  }

  /// The members of a container that are still to be walked.
  struct MemberList {
    private var members: [Member]
    /// How many were taken.
    private(set) var position: UInt32 = 0

    init(_ members: [Member]) { self.members = members }

    /// Takes the next one.
    ///
    /// The list is given back with the last: of containers that are nested
    /// deeply each would else keep one until all are walked.
    mutating func popFirst() -> Member? {
      guard Int(position) < members.count else { return nil }
      let member = members[Int(position)]
      position += 1
      if Int(position) == members.count { members = [] }
      return member
    }
  }

  init(decoder: TensorDecoder) {
    self.decoder = decoder
    reader = decoder.reader
    graph = reader.graph
    keyChecks = KeyChecks(reader)
    path = PathBuffer(size: graph.walkedSize)
    marks = Array(repeating: .unseen, count: graph.nodeCount)
    stepsLeft = max(graph.nodeCount, 1000) + 5000
    textLeft = graph.endOffset.multipliedReportingOverflow(by: 4).partialValue
    textLeft = max(textLeft, 0) + (1 << 20)
  }

  /// Walks the whole object.
  ///
  /// - Throws: ``CheckpointError`` with the key path for a tensor that can't
  ///   be read, and what the container throws for its storage.
  mutating func run() throws {
    _ = try visit(graph.root, from: path.mark)
    while let last = stack.indices.last {
      guard let member = stack[last].members.popFirst() else {
        marks[stack[last].id.index] = .done
        path.reset(to: stack[last].mark)
        stack.removeLast()
        continue
      }
      let mark = path.mark
      switch member.name {
      case .key(let key):
        if unsafe !reader.withKeyBytes(key, { unsafe path.append($0) }) {
          path.append(reader.keyText(key))
        }
      case .index(let index): path.append(Int(index))
      case .same: break
      }
      if try !visit(member.id, from: mark) { path.reset(to: mark) }
    }
    try decoder.resolveOtherStorages()
  }

  /// Takes a node in, or pushes it as a container to be walked.
  ///
  /// - Returns: Whether a frame was pushed; it goes back to `mark` at its end.
  private mutating func visit(
    _ id: PickleGraph.NodeID,
    from mark: PathBuffer.Mark
  ) throws -> Bool {
    stepsLeft -= 1
    if graph.kind(id) == .object {
      do {
        try reader.checkStates(of: id)
      } catch { throw error.located(keyPath: path.text) }
      if try decoding != nil && visitDecoded(id) || visitTensorOrScalar(id) {
        try checkTensorCount()
        return false
      }
    } else if let leaf = reader.leaf(id) {
      try add(leaf.type, leaf.value)
      return false
    }
    switch marks[id.index] {
    case .open:
      try add(reader.typeName(id), .described("a cycle"))
      return false
    case .done where stepsLeft < 0:
      try add(reader.typeName(id), .described("shared, shown before"))
      return false
    case .unseen, .done: break
    }
    let members = try members(of: id)
    guard !members.isEmpty else {
      if graph.kind(id) != .object || reader.isContainer(id) {
        try add(reader.typeName(id), .none)
      }
      return false
    }
    if found.isEmpty {
      // The first container with tensors is most often the one with all.
      found.reserveCapacity(members.count)
      decoder.reserveCapacity(members.count)
    }
    marks[id.index] = .open
    stack.append(Frame(id: id, members: MemberList(members), mark: mark))
    return true
  }

  /// Takes an object that a decoder understands.
  private mutating func visitDecoded(
    _ id: PickleGraph.NodeID
  ) throws -> Bool {
    do {
      switch try decoding?.decoded(id) {
      case .tensor(let tensor): add(tensor, id, suffix: nil)
      case .tensors(let parts):
        for part in parts { add(part.tensor, id, suffix: part.name) }
      case .value(let value): try add(reader.typeName(id), value)
      case nil: return false
      }
      return true
    } catch let error as CheckpointError {
      throw error.located(keyPath: path.text)
    }
  }

  /// Takes an object that is a tensor or a plain value.
  private mutating func visitTensorOrScalar(
    _ id: PickleGraph.NodeID
  ) throws -> Bool {
    guard let call = reader.call(id) else { return false }
    do {
      if call.function == .rebuildTensorV2,
        let tensor = try decoder.plainTensor(id, call.arguments)
      {
        add(tensor, id, suffix: nil)
        return true
      }
      switch call.function {
      case .numpyReconstruct, .numpyFromBuffer, .numpyScalar:
        return try visitNumpy(id, call.function, call.arguments)
      default: break
      }
      if let value = reader.objectValue(id, call.function, call.arguments) {
        try add(value.type, value.value)
        return true
      }
      guard let decoded = try decoder.tensor(id, call) else { return false }
      switch decoded.content {
      case .dense(let tensor): add(tensor, id, suffix: nil)
      case .parts(let parts):
        for part in parts { add(part.tensor, id, suffix: part.name) }
      }
      return true
    } catch let error as CheckpointError {
      throw error.located(keyPath: path.text)
    }
  }

  private mutating func visitNumpy(
    _ id: PickleGraph.NodeID,
    _ function: TorchFunction,
    _ nodes: PickleGraph.Children
  ) throws -> Bool {
    let numpy = NumpyDecoder(reader)
    let arguments = Arguments(reader, nodes, at: id)
    if function == .numpyScalar {
      guard let scalar = try numpy.scalar(arguments) else { return false }
      try add(scalar.type, scalar.value)
      return true
    }
    guard let array = try numpy.array(id, function, arguments) else {
      guard let text = numpy.arrayText(id) else { return false }
      try add("numpy.ndarray", .described(text))
      return true
    }
    try add("numpy.ndarray", .described("\(array.dtype) \(array.shape)"))
    return true
  }

  /// The modules' versions in the root's `_metadata`, by path.
  var moduleVersions: OrderedDictionary<String, Int> {
    reader.moduleVersions(of: graph.root)
  }

  private mutating func add(
    _ type: String,
    _ value: PlainValue
  ) throws(CheckpointError) {
    guard values.count < mostValues else {
      throw tooMany("plain values", most: mostValues)
    }
    var value = value
    // One long text under thousands of names is not copied for each.
    if let size = value.longSize {
      textLeft -= size
      if textLeft < 0 {
        value = .described("\(size) bytes, too often to show them")
      }
    }
    values.append(
      CheckpointValue(
        path: path.takeText(for: .value),
        type: type,
        value: value
      )
    )
  }

  private mutating func add(
    _ tensor: consuming Tensor,
    _ id: PickleGraph.NodeID,
    suffix: String?
  ) {
    let mark = path.mark
    if stack.isEmpty { path.append(Checkpoint.bareTensorName) }
    if let suffix { path.append(suffix) }
    found.append(tensor, at: id, named: &path)
    path.reset(to: mark)
  }

  /// Not where the tensors are added: each would be copied before it throws.
  private func checkTensorCount() throws(CheckpointError) {
    guard found.count <= mostValues / 2 else {
      throw tooMany("tensors", most: mostValues / 2)
        .located(keyPath: path.text)
    }
  }

  private func tooMany(_ what: String, most: Int) -> CheckpointError {
    CheckpointError(
      .limit,
      "the object has more than \(most) \(what), though the file is small",
      hint: "if you trust the file, raise the limit: --max-nodes "
        + "(pth convert takes it)"
    )
  }

  private mutating func members(
    of id: PickleGraph.NodeID
  ) throws(CheckpointError) -> [Member] {
    do {
      try keyChecks.check(id)
    } catch { throw error.located(keyPath: path.text) }
    switch graph.kind(id) {
    case .dict: return reader.members(graph.pairs(id))
    case .list, .tuple, .set, .frozenSet:
      return reader.members(graph.children(id))
    case .object:
      if !reader.isContainer(id), !reader.isModule(id) {
        try add(reader.typeName(id), .none)
      }
      return reader.objectMembers(id)
    default: return []
    }
  }
}

extension PlainValue {
  /// The bytes of a long text or byte string, nil for anything else.
  fileprivate var longSize: Int? {
    let size: Int
    switch self {
    case .string(let text): size = text.utf8.count
    case .bytes(let bytes): size = bytes.count
    case .described(let text), .bigInt(let text): size = text.utf8.count
    case .none, .bool, .int, .float: return nil
    }
    return size > 200 ? size : nil
  }
}
