internal import Pickle
internal import Tensors

/// Pickles that stand one behind the other in a file.
struct PickleRun {
  /// The file's path, for messages.
  let file: String

  /// The part of the file that the pickles are in, for messages.
  let record: String?

  /// Where the next pickle begins.
  var position = 0

  private let bytes: Storage
  private let limits: PickleLimits

  init(
    _ bytes: Storage,
    file: String,
    record: String? = nil,
    options: ReadOptions
  ) {
    self.bytes = bytes
    self.file = file
    self.record = record
    limits = options.pickle
  }

  /// Decodes the next pickle.
  ///
  /// - Parameter what: What it should be, for messages.
  /// - Returns: Its graph.
  /// - Throws: ``CheckpointError`` for what is no pickle.
  mutating func next(_ what: String) throws -> PickleGraph {
    guard position < bytes.byteCount else {
      throw CheckpointError(
        .damaged,
        "the file ends where \(what) should begin",
        file: file,
        record: record,
        offset: position,
        hint: "the file was cut; get it again"
      )
    }
    let graph = try decodePickle(
      bytes,
      at: position,
      limits: limits,
      file: file,
      record: record
    )
    position = graph.endOffset
    return graph
  }
}

extension Storage {
  /// A copy of a range of bytes; the caller has checked the range.
  func bytes(_ range: Range<Int>) throws -> [UInt8] {
    try unsafe withUnsafeBytes { unsafe Array($0[range]) }
  }
}

extension Checkpoint {
  /// Names what a pickle holds, with its storages from a container.
  ///
  /// - Throws: ``CheckpointError`` with the key path for a tensor that can't
  ///   be, and what the container throws for its storage.
  init(
    walking graph: PickleGraph,
    storages: StorageTable,
    as format: FormatID
  ) throws {
    var walk = ObjectWalk(
      decoder: TensorDecoder(
        reader: GraphReader(graph, readsAll: true),
        storages: storages
      )
    )
    try walk.run()
    let storages = walk.decoder.storages.list
    self.init(
      PickledContent(graph: graph, storages: storages),
      walk: walk,
      as: format
    )
  }
}
