internal import OrderedCollections
internal import Tensors

extension SafetensorsIndex {
  /// Writes a checkpoint as several files and their index.
  ///
  /// Tensors go into files in order; a file is full when the next tensor would
  /// make it larger than the setting `max-shard-size` (bytes, or a number with
  /// KB, MB, GB, KiB, MiB or GiB; 5GB where there is none). All files are
  /// written before the first takes its place; the index comes last.
  ///
  /// - Throws: ``CheckpointError`` for a wrong setting or too many files, and
  ///   `FileError`.
  static func write(
    _ tensors: OrderedDictionary<String, Tensor>,
    _ metadata: OrderedDictionary<String, String>,
    to path: String,
    options: WriteOptions
  ) throws {
    let limit = try byteCount(options.settings["max-shard-size"] ?? "5GB")
    let shards = split(tensors, limit: limit)
    guard shards.count <= maxShards else {
      throw CheckpointError(
        .unsupported,
        "\(shards.count) files are more than \(maxShards)",
        hint: "choose a larger max-shard-size"
      )
    }
    let stem = stem(of: path)
    let names = shards.indices.map { index in
      "\(stem.name)-\(digits(index + 1))-of-\(digits(shards.count))"
        + ".safetensors"
    }
    let total = tensors.values.reduce(0) {
      $0.addingReportingOverflow($1.byteCount).partialValue
    }
    var files: [TensorFile] = []
    var done = 0
    var metadata = metadata
    for (name, shard) in zip(names, shards) {
      let writer = try SafetensorsWriter(shard, metadata: metadata)
      // What belongs to the whole is kept once, in the first file.
      metadata.removeAll { $0.key.hasPrefix("pth.") }
      var shardOptions = options
      if let progress = options.progress {
        let before = done
        shardOptions.progress = { written, _ in
          progress(min(total, before + written), total)
        }
      }
      files.append(
        try writer.write(to: stem.folder + name, options: shardOptions)
      )
      done += writer.size
    }
    let places = zip(names, shards).flatMap { name, shard in
      shard.keys.map { (key: $0, value: JSONValue.string(name)) }
    }
    let index = JSONValue.object([
      ("metadata", .object([("total_size", .int(total))])),
      (
        "weight_map",
        .object(
          places.sorted {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
          }
        )
      ),
    ])
    let text = Array((index.text(indent: 2) + "\n").utf8)
    let indexFile = try TensorFile(
      stem.folder + stem.name + "." + suffix,
      size: text.count,
      options: options
    )
    try indexFile.write(text)
    for file in files { try file.commit() }
    try indexFile.commit()
  }

  // Each file stays open until all are written.
  private static let maxShards = 500

  private static func split(
    _ tensors: OrderedDictionary<String, Tensor>,
    limit: Int
  ) -> [OrderedDictionary<String, Tensor>] {
    var shards: [OrderedDictionary<String, Tensor>] = [[:]]
    var size = 0
    for (name, tensor) in tensors {
      let (sum, overflow) = size.addingReportingOverflow(tensor.byteCount)
      if overflow || sum > limit, !shards[shards.count - 1].isEmpty {
        shards.append([:])
        size = 0
      }
      shards[shards.count - 1][name] = tensor
      size = size.addingReportingOverflow(tensor.byteCount).partialValue
    }
    return shards
  }

  private static func stem(of path: String) -> (folder: String, name: String) {
    let start = path.lastIndex(of: "/").map { path.index(after: $0) }
    let folder = start.map { String(path[..<$0]) } ?? ""
    var name = start.map { String(path[$0...]) } ?? path
    for ending in ["." + suffix, ".safetensors"]
    where name.lowercased().hasSuffix(ending) {
      name.removeLast(ending.count)
      break
    }
    return (folder, name.isEmpty ? "model" : name)
  }

  private static func digits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
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
