internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A checkpoint on its way into a file as torch wrote it before 1.6.
struct LegacyOutput {
  private let path: String
  private let options: WriteOptions
  private let head: [UInt8]
  private let storages: [(key: String, type: StorageType, bytes: Storage)]

  /// Puts everything but the storages together.
  ///
  /// A legacy file that is written again keeps its keys and, in the same
  /// protocol, every byte.
  ///
  /// - Throws: ``CheckpointError`` for what the format can't hold.
  init(
    _ checkpoint: Checkpoint,
    path: String,
    options: WriteOptions
  ) throws {
    self.path = path
    self.options = options
    let content = try PickledContent(of: checkpoint).inLegacyForm()
    // The types of the entries are those that a file was opened with.
    let types = try Self.types(content)
    let keys = content.storages.keys.sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
    storages = keys.compactMap { key in
      content.storages[key].map { (key, types[key] ?? $0.type, $0.storage) }
    }
    let source = content.legacy
    let graph = content.graph
    let version =
      options.pickleProtocol
      ?? (source == nil ? max(2, graph.protocolVersion) : graph.protocolVersion)
    let object = try content.encoded(protocolVersion: version, path: path)
    if let source, version == graph.protocolVersion, source.keys == keys {
      head = source.preamble + object + source.keyList
    } else {
      head = try Self.preamble(version) + object + Self.list(keys, version)
    }
  }

  /// Writes the file, all or nothing.
  func write() throws {
    let size = storages.reduce(head.count) {
      $0 &+ 8 &+ $1.bytes.byteCount
    }
    let file = try TensorFile(path, size: size, options: options)
    try file.write(head)
    for (key, type, bytes) in storages {
      let dtype = type.countedDType
      try file.write(Self.int64(bytes.byteCount / dtype.itemSize))
      do {
        try unsafe bytes.inHostOrder(from: .little, dtype: dtype)
          .forEachPiece { try unsafe file.write($0) }
      } catch let error as StorageError {
        throw CheckpointError(
          .unsupported,
          "storage \(key): \(error)",
          file: path
        )
      }
    }
    try file.commit()
  }

  /// The types by which the object mentions its storages.
  ///
  /// - Throws: ``CheckpointError`` where there are two: torch gives a storage
  ///   the dtype of its first mention and reads other tensors as that too.
  private static func types(
    _ content: PickledContent
  ) throws(CheckpointError) -> [String: StorageType] {
    let reader = GraphReader(content.graph)
    var types: [String: StorageType] = [:]
    for id in content.graph.nodes where reader.isStorage(id) {
      let reference = try reader.storageReference(id)
      let known = types[reference.key]
      types[reference.key] = reference.type
      if let known, known != reference.type {
        throw CheckpointError(
          .unsupported,
          "a storage is seen both as \(known.global.name) and as "
            + "\(reference.type.global.name), which the legacy file can't hold",
          hint: "write a zip archive"
        )
      }
    }
    return types
  }

  private static func int64(_ number: Int) -> [UInt8] {
    let bits = UInt64(bitPattern: Int64(number))
    return (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
  }

  /// The pickles before the object.
  private static func preamble(_ version: Int) throws -> [UInt8] {
    var magic = PickleGraph(protocolVersion: version)
    magic.root = magic.addBigInt(LegacyFile.magic)
    var number = PickleGraph(protocolVersion: version)
    number.root = number.addInt(LegacyFile.protocolVersion)
    var facts = PickleGraph(protocolVersion: version)
    let sizes = [("short", 2), ("int", 4), ("long", 4)].map { name, size in
      (key: facts.addString(name), value: facts.addInt(size))
    }
    let pairs: [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)] = [
      (
        facts.addString("protocol_version"),
        facts.addInt(LegacyFile.protocolVersion)
      ),
      (facts.addString("little_endian"), facts.addBool(true)),
      (facts.addString("type_sizes"), facts.addDict(sizes)),
    ]
    facts.root = facts.addDict(pairs)
    return try [magic, number, facts].flatMap {
      try Pickler.encode($0, protocol: version)
    }
  }

  private static func list(
    _ keys: [String],
    _ version: Int
  ) throws -> [UInt8] {
    var graph = PickleGraph(protocolVersion: version)
    graph.root = graph.addList(keys.map { graph.addString($0) })
    return try Pickler.encode(graph, protocol: version)
  }
}
