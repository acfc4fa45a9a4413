internal import OrderedCollections
internal import Tensors

extension SafetensorsIndex {
  /// Writes a checkpoint as several files and their index.
  ///
  /// All files are written before the first takes its place; the index comes
  /// last.
  ///
  /// - Throws: ``CheckpointError`` as ``ShardPlan`` does, and `FileError`.
  static func write(
    _ tensors: OrderedDictionary<String, Tensor>,
    _ metadata: OrderedDictionary<String, String>,
    to path: String,
    options: WriteOptions
  ) throws {
    let plan = try ShardPlan(
      tensors.map { ([$0.key], $0.value.byteCount) },
      path: path,
      suffix: "safetensors",
      options: options
    )
    let total = tensors.values.reduce(0) {
      $0.addingReportingOverflow($1.byteCount).partialValue
    }
    var files: [TensorFile] = []
    var done = 0
    var metadata = metadata
    for (file, names) in zip(plan.files, plan.shards) {
      let shard = OrderedDictionary(
        uniqueKeysWithValues: names.compactMap { name in
          tensors[name].map { (name, $0) }
        }
      )
      let writer = try SafetensorsWriter(shard, metadata: metadata)
      // What belongs to the whole is kept once, in the first file.
      metadata.removeAll { $0.key.hasPrefix("pth.") }
      files.append(
        try writer.write(
          to: plan.folder + file,
          options: options.forPart(after: done, of: total)
        )
      )
      done += writer.size
    }
    files.append(try plan.writeIndex(totalSize: total, options: options))
    for file in files { try file.commit() }
  }
}
