internal import OrderedCollections
internal import Tensors

/// A checkpoint of PyTorch in several files: `pytorch_model.bin.index.json`
/// beside `pytorch_model-00001-of-00002.bin` …, each a file of `torch.save`.
///
/// Source: Hugging Face's `transformers` (`WEIGHTS_INDEX_NAME`).
struct PytorchSharded: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .pytorchSharded,
    aliases: ["sharded"],
    suffixes: [suffix],
    canRead: true,
    canWrite: true,
    summary: "Hugging Face's *.bin.index.json beside its parts"
  )

  private static let suffix = "bin.index.json"

  /// The usual name in a folder.
  private static let usualName = "pytorch_model." + suffix

  func recognizes(_ input: CheckpointInput) -> Bool {
    if input.file == nil {
      return (try? MappedFile.open(input.path + "/" + Self.usualName)) != nil
    }
    return ShardIndex.recognizes(input, suffix: Self.suffix)
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    let path =
      input.file == nil ? input.path + "/" + Self.usualName : input.path
    return try ShardIndex(input.file ?? MappedFile.open(path))
      .checkpoint(as: descriptor.id, beside: path) { part in
        // An index that names another index would be read without end.
        let input = try CheckpointInput(part)
        guard !recognizes(input) else {
          throw CheckpointError(.damaged, "a part is an index itself")
        }
        return try FormatRegistry.reader(for: input, as: nil)
          .read(input, options: options)
      }
  }

  func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    var report = LossReport(descriptor.id)
    report.addValues(of: checkpoint)
    report.addTexts(of: checkpoint)
    if checkpoint.format == .torchScript {
      report.add("code", "a state dict has no code")
    }
    return report.losses
  }

  /// Writes each file as a state dict with all modules' versions, which a
  /// model that loads the files one by one looks for in each.
  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    // Tensors that share memory share it only within one file.
    var groups: OrderedDictionary<ObjectIdentifier, [String]> = [:]
    var sizes: [ObjectIdentifier: Int] = [:]
    for (name, tensor) in checkpoint.tensors {
      let identity = ObjectIdentifier(tensor.storage)
      groups[identity, default: []].append(name)
      sizes[identity] = tensor.storage.isMeta ? 0 : tensor.storage.byteCount
    }
    let total = sizes.values.reduce(0) {
      $0.addingReportingOverflow($1).partialValue
    }
    let plan = try ShardPlan(
      groups.map { ($0.value, sizes[$0.key] ?? 0) },
      path: path,
      suffix: "bin",
      options: options
    )
    var files: [AtomicFile] = []
    var done = 0
    for (file, names) in zip(plan.files, plan.shards) {
      var shard = StateDict([:], moduleVersions: checkpoint.moduleVersions)
      for name in names { shard.tensors[name] = checkpoint.tensors[name] }
      let written = try TorchArchiveOutput(
        Checkpoint(shard),
        path: plan.folder + file,
        options: options.forPart(after: done, of: total)
      )
      .written()
      done += written.position
      files.append(written)
    }
    let index = try plan.writeIndex(totalSize: total, options: options)
    for file in files { try file.commit() }
    try index.commit()
  }
}
