internal import OrderedCollections
internal import Pickle
internal import Tensors

/// How a checkpoint is cut into several files with an index beside them.
///
/// Source: `*.index.json` as Hugging Face's libraries write it.
struct ShardPlan {
  /// The setting that holds the largest size of a file.
  static let setting = "max-shard-size"

  /// The names of the tensors in each file.
  let shards: [[String]]

  /// The files' names, `model-00001-of-00002.safetensors` and so on.
  let files: [String]

  /// The folder of all files, with its slash; empty for the current one.
  let folder: String

  /// The index's path.
  let index: String

  // Each file stays open until all are written.
  private static let maxShards = 500

  /// Distributes tensors over files in order: a file is full when what comes
  /// next would make it larger than the limit.
  ///
  /// - Parameters:
  ///   - groups: Names that must be in one file, and their bytes.
  ///   - path: The path of the index, or of the whole as one file.
  ///   - suffix: What the files' names end with.
  ///   - options: The limit is the setting `max-shard-size`: bytes, or a number
  ///     with KB, MB, GB, KiB, MiB or GiB; 5GB where there is none.
  /// - Throws: ``CheckpointError`` for a wrong setting or too many files.
  init(
    _ groups: [(names: [String], byteCount: Int)],
    path: String,
    suffix: String,
    options: WriteOptions
  ) throws(CheckpointError) {
    let limit = try Self.byteCount(options.settings[Self.setting] ?? "5GB")
    var shards: [[String]] = [[]]
    var size = 0
    for group in groups {
      let (sum, overflow) = size.addingReportingOverflow(group.byteCount)
      if overflow || sum > limit, !shards[shards.count - 1].isEmpty {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1] += group.names
      size = size.addingReportingOverflow(group.byteCount).partialValue
    }
    guard shards.count <= Self.maxShards else {
      throw CheckpointError(
        .unsupported,
        "\(shards.count) files are more than \(Self.maxShards)",
        hint: "choose a larger max-shard-size"
      )
    }
    let stem = Self.stem(of: path, suffix: suffix)
    let count = shards.count
    self.shards = shards
    files = shards.indices.map { number in
      "\(stem.name)-\(zeroPadded(number + 1, width: 5))"
        + "-of-\(zeroPadded(count, width: 5)).\(suffix)"
    }
    folder = stem.folder
    index = "\(stem.folder)\(stem.name).\(suffix).index.json"
  }

  /// Writes the index, but does not put it in its place yet.
  ///
  /// - Parameters:
  ///   - totalSize: The bytes of all tensors.
  ///   - options: Whether an old file may be replaced.
  /// - Returns: The file to commit.
  /// - Throws: `FileError` where it can't be written.
  func writeIndex(totalSize: Int, options: WriteOptions) throws -> TensorFile {
    let places = zip(files, shards).flatMap { file, names in
      names.map { (key: $0, value: JSONValue.string(file)) }
    }
    let value = JSONValue.object([
      ("metadata", .object([("total_size", .int(totalSize))])),
      (
        "weight_map",
        .object(
          places.sorted {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
          }
        )
      ),
    ])
    let text = Array((value.text(indent: 2) + "\n").utf8)
    let file = try TensorFile(index, size: text.count, options: options)
    try file.write(text)
    return file
  }

  private static func stem(
    of path: String,
    suffix: String
  ) -> (folder: String, name: String) {
    let start = path.lastIndex(of: "/").map { path.index(after: $0) }
    let folder = start.map { String(path[..<$0]) } ?? ""
    var name = start.map { String(path[$0...]) } ?? path
    for ending in [".\(suffix).index.json", ".\(suffix)", ".pth", ".pt"]
    where name.lowercased().hasSuffix(ending) {
      name.removeLast(ending.count)
      break
    }
    return (folder, name.isEmpty ? "model" : name)
  }

  /// The bytes that a setting such as `500MB` means.
  private static func byteCount(
    _ text: String
  ) throws(CheckpointError) -> Int {
    let number = text.prefix { $0.isASCII && $0.isNumber }
    let units = [
      "": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000,
      "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30,
    ]
    let unit = text.dropFirst(number.count).uppercased()
    guard let number = Int(number), let factor = units[unit], number > 0 else {
      throw CheckpointError(
        .mismatch,
        "\"\(text)\" is no size",
        hint: "write bytes, or 500MB, 5GB, 2GiB"
      )
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? .max : bytes
  }
}

extension WriteOptions {
  /// These options, with the progress of one file counted as that of a part.
  ///
  /// - Parameters:
  ///   - done: The bytes of the files before.
  ///   - total: The bytes of all files.
  /// - Returns: The changed options.
  func forPart(after done: Int, of total: Int) -> WriteOptions {
    guard let progress else { return self }
    var options = self
    options.progress = { written, _ in
      progress(min(total, done + written), total)
    }
    return options
  }
}
