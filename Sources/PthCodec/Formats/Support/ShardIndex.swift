internal import OrderedCollections
internal import Tensors

/// A checkpoint in several files: an index in JSON says which tensor lies in
/// which.
///
/// Source: `*.index.json` as Hugging Face's libraries write it.
struct ShardIndex {
  /// The file of each tensor, a name in the index's own folder.
  let places: OrderedDictionary<String, String>

  /// The index's texts.
  let metadata: OrderedDictionary<String, String>

  /// The longest index that is read.
  private static let maxSize = 256 << 20

  /// Whether an input is an index whose name has a suffix.
  static func recognizes(_ input: CheckpointInput, suffix: String) -> Bool {
    input.file != nil && input.fileName.lowercased().hasSuffix("." + suffix)
      && input.head.first { ![0x20, 0x0a, 0x0d, 0x09].contains($0) }
        == UInt8(ascii: "{")
  }

  /// Reads an index.
  ///
  /// - Throws: ``CheckpointError`` for what is no index.
  init(_ file: MappedFile) throws(CheckpointError) {
    (places, metadata) = try Self.parse(file)
  }

  /// Reads the files that an index names.
  ///
  /// - Parameters:
  ///   - format: The format of the whole.
  ///   - path: The index's path; the files are beside it.
  ///   - open: Reads one file.
  /// - Returns: The tensors in the files' order where they are Python's own,
  ///   in the index's otherwise.
  /// - Throws: ``CheckpointError`` where index and files do not fit each other.
  func checkpoint(
    as format: FormatID,
    beside path: String,
    opening open: (_ path: String) throws -> Checkpoint
  ) throws -> Checkpoint {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    var metadata = metadata
    var shards: OrderedDictionary<String, Checkpoint> = [:]
    for (_, name) in places where shards[name] == nil {
      do {
        let shard = try open(folder + name)
        metadata.merge(shard.metadata) { _, new in new }
        shards[name] = shard
      } catch let error as CheckpointError {
        throw error.located(file: folder + name)
      }
    }
    var merged = MergedObject(shards)
    // Otherwise only the tensors are put together.
    if merged?.fits(places) != true { merged = nil }
    var tensors: OrderedDictionary<String, Tensor> = [:]
    var mapped: [String: Int] = [:]
    for (key, name) in places {
      if merged != nil {
        mapped[name, default: 0] += shards[name]?.tensorCount(at: key) ?? 0
        continue
      }
      guard let tensor = shards[name]?.tensors[key] else {
        throw CheckpointError(
          .damaged,
          "the index says that the tensor is in \(name), but it is not there",
          keyPath: key
        )
      }
      tensors[key] = tensor
      mapped[name, default: 0] += 1
    }
    for (name, shard) in shards where shard.tensors.count != mapped[name] {
      let extra = shard.tensors.keys.first { places[$0] != name }
      throw CheckpointError(
        .damaged,
        "\(name) has a tensor that the index does not place there",
        keyPath: extra
      )
    }
    if let content = try merged?.content() {
      var checkpoint = try Checkpoint(walking: content, as: format)
      checkpoint.metadata = metadata
      return checkpoint
    }
    var versions: OrderedDictionary<String, Int> = [:]
    for shard in shards.values {
      versions.merge(shard.moduleVersions) { first, _ in first }
    }
    return Checkpoint(
      format: format,
      tensors: tensors,
      values: shards.values.flatMap(\.values),
      moduleVersions: versions,
      metadata: metadata
    )
  }

  private static func parse(
    _ file: MappedFile
  ) throws(CheckpointError) -> (
    places: OrderedDictionary<String, String>,
    metadata: OrderedDictionary<String, String>
  ) {
    guard file.count <= maxSize else {
      throw CheckpointError(.limit, "the index is longer than \(maxSize) bytes")
    }
    let text = unsafe file.withUnsafeBytes { unsafe Array($0) }
    var places: OrderedDictionary<String, String>?
    var metadata: OrderedDictionary<String, String> = [:]
    var reader = JSONReader(text)
    try reader.readObject { key, reader throws(CheckpointError) in
      switch key {
      case "weight_map": places = try readPlaces(&reader)
      case "metadata":
        try reader.readObject { key, reader throws(CheckpointError) in
          let text =
            reader.isAtString()
            ? try reader.readString()
            : String(decoding: try reader.skipValue(), as: UTF8.self)
          // The size is what the tensors make it.
          if key != "total_size" { metadata[key] = text }
        }
      default: try reader.skipValue()
      }
    }
    try reader.expectEnd()
    guard let places else {
      throw CheckpointError(.damaged, "the index has no weight_map")
    }
    return (places, metadata)
  }

  private static func readPlaces(
    _ reader: inout JSONReader
  ) throws(CheckpointError) -> OrderedDictionary<String, String> {
    var places: OrderedDictionary<String, String> = [:]
    try reader.readObject { key, reader throws(CheckpointError) in
      let name = try reader.readString()
      // A name with a path could lead out of the folder.
      guard !name.isEmpty, name != ".", name != "..",
        !name.utf8.contains(where: {
          $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 == 0
        })
      else {
        throw reader.failure("\"\(name)\" is not a file name in this folder")
          .located(keyPath: key)
      }
      places[key] = name
    }
    return places
  }
}

extension Checkpoint {
  /// How many tensors an entry of the root is: a sparse one's parts count.
  fileprivate func tensorCount(at key: String) -> Int {
    if tensors[key] != nil { return 1 }
    let prefix = key + "."
    return tensors.keys.count { $0.hasPrefix(prefix) }
  }
}
