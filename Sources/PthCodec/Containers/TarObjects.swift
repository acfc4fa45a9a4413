internal import OrderedCollections
internal import Pickle
internal import Tensors

/// The member `storages`: bytes by key, and views of them.
struct TarStorages {
  private(set) var entries: [String: StorageEntry] = [:]

  /// Storages that are a part of another one, in elements.
  private(set) var views: [String: (root: String, offset: Int, count: Int)] =
    [:]

  init(_ member: TarMember) throws {
    var member = member
    for _ in 0..<(try member.count("storages")) {
      let start = member.run.position
      let graph = try member.run.next("a storage's key")
      let reader = GraphReader(graph)
      let parts = try reader.elements(graph.root, 3, "a storage's description")
      let key = try reader.tarKey(parts[0])
      guard let global = graph.global(parts[2]),
        let type = StorageType(module: global.module, name: global.name)
      else {
        throw member.fault("storage \(key) is of no known type", start)
      }
      let countStart = member.run.position
      let count = try member.integer("the size of storage \(key)")
      guard let size = type.byteCount(of: count),
        let storage = try member.take(size)
      else {
        throw member.fault(
          "storage \(key) claims \(count) elements, but "
            + "\(member.bytes.byteCount - member.run.position) bytes are left",
          countStart
        )
      }
      entries[key] = StorageEntry(
        type: type,
        location: try reader.text(parts[1], "a storage's location"),
        storage: storage
      )
    }
    let start = member.run.position
    let list = try member.run.next("the list of views")
    let reader = GraphReader(list)
    for view in try reader.elements(list.root, 0, "the list of views") {
      let parts = try reader.elements(view, 4, "a view of a storage")
      let root = try reader.tarKey(parts[1])
      let offset = try reader.integer(parts[2], "a view's offset")
      let count = try reader.integer(parts[3], "a view's size")
      guard let entry = entries[root], offset >= 0, count >= 0,
        let first = entry.type.byteCount(of: offset),
        let size = entry.type.byteCount(of: count),
        first <= entry.storage.byteCount,
        size <= entry.storage.byteCount - first
      else {
        throw member.fault(
          "a view takes \(count) elements from \(offset) of storage \(root), "
            + "which has fewer",
          start
        )
      }
      views[try reader.tarKey(parts[0])] = (root, offset, count)
    }
  }
}

/// The member `tensors`: views of storages by key.
struct TarTensors {
  struct Entry {
    let storage: String
    let shape: [Int]
    let strides: [Int]
    let offset: Int
  }

  private(set) var entries: [String: Entry] = [:]

  init(_ member: TarMember) throws {
    var member = member
    for _ in 0..<(try member.count("tensors")) {
      let graph = try member.run.next("a tensor's key")
      let reader = GraphReader(graph)
      let parts = try reader.elements(graph.root, 3, "a tensor's description")
      let key = try reader.tarKey(parts[0])
      let start = member.run.position
      let rank = try member.integer("the rank of tensor \(key)", as: Int32.self)
      // Torch counts the rank as 8 bytes, of which it uses 4.
      guard try member.take(4) != nil, rank >= 0,
        rank <= (member.bytes.byteCount - member.run.position) / 16
      else {
        throw member.fault("tensor \(key) claims \(rank) dimensions", start)
      }
      var numbers: [Int] = []
      for _ in 0..<(2 * rank) {
        numbers.append(try member.integer("the size of tensor \(key)"))
      }
      entries[key] = Entry(
        storage: try reader.tarKey(parts[1]),
        shape: Array(numbers.prefix(rank)),
        strides: Array(numbers.suffix(rank)),
        offset: try member.integer("the offset of tensor \(key)")
      )
    }
  }
}

/// Turns the persistent ids of an object into calls and storages.
struct TarRewriting {
  private typealias NodeID = PickleGraph.NodeID

  private var editor: GraphEditor
  private let storages: TarStorages
  private let tensors: TarTensors
  private var made: [String: NodeID] = [:]

  init(_ graph: PickleGraph, _ storages: TarStorages, _ tensors: TarTensors) {
    editor = GraphEditor(
      PickledContent(graph: graph, storages: [:], tensorNodes: [:])
    )
    self.storages = storages
    self.tensors = tensors
  }

  var graph: PickleGraph { editor.graph }

  /// Rewrites the graph.
  ///
  /// - Throws: ``CheckpointError`` for a key that is in no member.
  mutating func run() throws {
    let reader = GraphReader(editor.graph)
    var targets: [NodeID: NodeID] = [:]
    for id in editor.graph.nodes {
      guard let pid = reader.graph.persistentID(id) else { continue }
      if reader.graph.kind(pid) == .tuple {
        // (class, file, source)
        targets[id] = try reader.elements(pid, 1, "a class")[0]
        continue
      }
      let key = try reader.tarKey(pid)
      if let known = made[key] {
        targets[id] = known
        continue
      }
      let node: NodeID
      if let tensor = tensors.entries[key] {
        node = try call(tensor, key)
      } else if storages.entries[key] != nil || storages.views[key] != nil {
        node = try storage(key).id
      } else {
        throw reader.fault(id, "there is no tensor or storage \(key)")
      }
      made[key] = node
      targets[id] = node
    }
    editor.graph.redirect(targets)
  }

  private mutating func call(
    _ tensor: TarTensors.Entry,
    _ key: String
  ) throws -> NodeID {
    let view = storages.views[tensor.storage]
    let root = view?.root ?? tensor.storage
    let (offset, overflow) =
      tensor.offset.addingReportingOverflow(view?.offset ?? 0)
    guard !overflow else {
      throw CheckpointError(.damaged, "tensor \(key) begins at \(offset)")
    }
    return editor.call(
      "torch._utils",
      "_rebuild_tensor_v2",
      [
        try storage(root).id, editor.graph.addInt(offset),
        editor.tuple(tensor.shape), editor.tuple(tensor.strides),
        editor.graph.addBool(false), editor.orderedDict(),
      ]
    )
  }

  /// The persistent id of a storage as later versions write it.
  private mutating func storage(
    _ key: String
  ) throws -> (id: NodeID, entry: StorageEntry) {
    let view = storages.views[key]
    let root = view?.root ?? key
    guard let entry = storages.entries[root] else {
      throw CheckpointError(.damaged, "there is no storage \(root)")
    }
    let (module, name) = entry.type.global
    var parts = [
      editor.text("storage"), editor.global(module, name),
      editor.text(root), editor.text(entry.location),
      editor.graph.addInt(
        entry.storage.byteCount / entry.type.countedDType.itemSize
      ),
    ]
    if let view {
      parts.append(
        editor.graph.addTuple([
          editor.text(key), editor.graph.addInt(view.offset),
          editor.graph.addInt(view.count),
        ])
      )
    }
    return (editor.graph.addPersistentID(editor.graph.addTuple(parts)), entry)
  }
}
