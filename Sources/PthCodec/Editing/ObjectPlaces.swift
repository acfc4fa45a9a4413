internal import OrderedCollections
internal import Pickle
internal import Tensors

/// The places of a checkpoint's object: which key of which container leads to
/// what, with the names that the checkpoint's tensors and values have.
struct ObjectPlaces {
  typealias NodeID = PickleGraph.NodeID

  /// How a place is reached from the one above.
  enum Slot: Equatable {
    /// As the value of a dictionary's pair of this number.
    case pair(UInt32)
    /// As an element of a list, tuple or set.
    case element
    /// As an object's attribute, argument or a module's part.
    case attribute
    /// Under the name of the one above.
    case same
  }

  /// A place: parents come before their members.
  ///
  /// Kept small: a file may have as many as values.
  struct Place {
    /// The part of the name that this place adds.
    let text: String
    /// The tensor's or value's name; nil for a container.
    var name: String?
    /// The number of the place above; the root's is beyond all.
    fileprivate let above: UInt32
    /// The container that holds it.
    let container: NodeID
    let node: NodeID
    let slot: Slot
    var isTensor = false

    /// The place above; nil for the root.
    var parent: Int? { above == UInt32.max ? nil : Int(above) }
  }

  private(set) var places: [Place] = []

  private let reader: GraphReader
  private let tensorNodes: Set<NodeID>
  private var marks: [Mark]
  private var stack: [Frame] = []
  private var path: PathBuffer
  private var seenNames: [String: Int] = [:]
  private var stepsLeft: Int

  private enum Mark: UInt8 { case unseen, open }

  private struct Frame {
    let place: UInt32
    /// How many members at the front are pairs.
    let pairs: UInt32
    var members: ObjectWalk.MemberList
    let mark: PathBuffer.Mark
    let isSequence: Bool
  }

  /// Walks through the object.
  ///
  /// - Throws: ``CheckpointError`` for containers that are shared so often
  ///   that their places can't be counted.
  init(_ content: PickledContent) throws(CheckpointError) {
    reader = GraphReader(content.graph)
    path = PathBuffer(size: content.graph.walkedSize)
    tensorNodes = Set(content.tensorNodes.values)
    marks = Array(repeating: .unseen, count: content.graph.nodeCount)
    stepsLeft =
      content.graph.nodeCount.multipliedReportingOverflow(by: 2).partialValue
    stepsLeft = min(max(stepsLeft, 0) + 50_000, Int(UInt32.max))
    let root = content.graph.root
    try visit(
      Place(
        text: "",
        above: UInt32.max,
        container: root,
        node: root,
        slot: .same
      ),
      from: path.mark
    )
    try walk()
  }

  private mutating func walk() throws(CheckpointError) {
    while let last = stack.indices.last {
      let number = stack[last].members.position
      let container = places[Int(stack[last].place)].node
      guard let member = stack[last].members.popFirst() else {
        marks[container.index] = .unseen
        path.reset(to: stack[last].mark)
        stack.removeLast()
        continue
      }
      let mark = path.mark
      let text: String
      var slot =
        number < stack[last].pairs
        ? Slot.pair(number)
        : stack[last].isSequence ? .element : .attribute
      switch member.name {
      case .key(let key):
        text = reader.keyText(key)
        path.append(text)
      case .index(let index):
        text = String(index)
        path.append(Int(index))
      case .same:
        text = ""
        slot = .same
      }
      try visit(
        Place(
          text: text,
          above: stack[last].place,
          container: container,
          node: member.id,
          slot: slot
        ),
        from: mark
      )
    }
  }

  private mutating func visit(
    _ place: Place,
    from mark: PathBuffer.Mark
  ) throws(CheckpointError) {
    stepsLeft -= 1
    guard stepsLeft > 0 else {
      throw CheckpointError(
        .limit,
        "containers are shared too often to be edited"
      )
    }
    var place = place
    let id = place.node
    let graph = reader.graph
    if tensorNodes.contains(id) {
      place.name = uniqueName(isRoot: place.parent == nil)
      place.isTensor = true
    } else if marks[id.index] == .open {
      // A cycle: the place has no name of its own.
    } else if reader.leaf(id) != nil || isScalar(id) {
      place.name = path.takeText(for: .value)
    } else {
      let members = members(of: id)
      if members.list.isEmpty {
        place.name = path.takeText(for: .value)
      } else {
        marks[id.index] = .open
        stack.append(
          Frame(
            place: UInt32(truncatingIfNeeded: places.count),
            pairs: UInt32(truncatingIfNeeded: members.pairs),
            members: ObjectWalk.MemberList(members.list),
            mark: mark,
            isSequence: graph.kind(id) != .object
          )
        )
        places.append(place)
        return
      }
    }
    places.append(place)
    path.reset(to: mark)
  }

  private func isScalar(_ id: NodeID) -> Bool {
    guard let call = reader.call(id) else { return false }
    switch call.function {
    case .numpyReconstruct, .numpyFromBuffer, .numpyScalar: return true
    default:
      return reader.objectValue(id, call.function, call.arguments) != nil
    }
  }

  /// The name that the checkpoint gives a tensor here.
  private mutating func uniqueName(isRoot: Bool) -> String {
    let name = isRoot ? Checkpoint.bareTensorName : path.takeText(for: .tensor)
    let count = (seenNames[name] ?? 0) + 1
    seenNames[name] = count
    return count == 1 ? name : "\(name)#\(count)"
  }

  private func members(
    of id: NodeID
  ) -> (list: [ObjectWalk.Member], pairs: Int) {
    let graph = reader.graph
    switch graph.kind(id) {
    case .dict:
      let list = reader.members(graph.pairs(id))
      return (list, list.count)
    case .list, .tuple, .set, .frozenSet:
      return (reader.members(graph.children(id)), 0)
    case .object:
      let list = reader.objectMembers(id)
      guard reader.isMapping(id), let object = graph.object(id),
        !graph.children(object.arguments).contains(where: {
          [.dict, .list, .tuple].contains(graph.kind($0))
        })
      else { return (list, 0) }
      return (list, object.dictItems.count)
    default: return ([], 0)
    }
  }

  /// The places from below the root down to one, itself included.
  func chain(to index: Int) -> [Int] {
    var chain: [Int] = []
    var current: Int? = index
    while let place = current, let parent = places[place].parent {
      chain.append(place)
      current = parent
    }
    return chain.reversed()
  }

  /// The place at a path: keys and indices joined by dots.
  func place(at path: String) -> Int? {
    if path.isEmpty { return 0 }
    var rests: [Int: Substring] = [0: path[...]]
    for (index, place) in places.enumerated().dropFirst() {
      guard let parent = place.parent, let rest = rests[parent] else {
        continue
      }
      if place.slot == .same {
        rests[index] = rest
      } else if rest == place.text {
        return index
      } else if rest.hasPrefix(place.text + ".") {
        rests[index] = rest.dropFirst(place.text.count + 1)
      }
    }
    return nil
  }

  /// The error for a path that leads nowhere.
  func notFound(_ path: String) -> CheckpointError {
    let keys = places.filter { $0.parent == 0 }.map(\.text)
    let nearest = NameDistance.nearest(to: path, in: keys)
    let some = keys.prefix(8).joined(separator: ", ")
    return CheckpointError(
      .mismatch,
      "there is nothing at \(path)",
      hint: nearest.map { "the nearest is \($0)" }
        ?? (keys.isEmpty ? "the object has no parts" : "there is: \(some)")
    )
  }
}
