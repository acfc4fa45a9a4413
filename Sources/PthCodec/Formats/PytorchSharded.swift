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
    if ShardedObject(checkpoint) != nil {
      report.addRecords(of: checkpoint)
      return report.losses
    }
    report.addValues(of: checkpoint)
    report.addObject(of: checkpoint)
    report.addTexts(of: checkpoint)
    if checkpoint.format == .torchScript {
      report.add("code", "a state dict has no code")
    }
    return report.losses
  }

  /// Writes each file as a state dict with all modules' versions, which a
  /// model that loads the files one by one looks for in each.
  ///
  /// Entries of a state dict that are no tensors go into the first file.
  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    let object = ShardedObject(checkpoint)
    let groups = object?.groups ?? Self.groups(of: checkpoint)
    let total = groups.reduce(0) {
      $0.addingReportingOverflow($1.byteCount).partialValue
    }
    let plan = try ShardPlan(
      groups,
      path: path,
      suffix: "bin",
      options: options
    )
    var files: [AtomicFile] = []
    var done = 0
    for (file, names) in zip(plan.files, plan.shards) {
      let written = try TorchArchiveOutput(
        object?.part(names) ?? Self.part(names, of: checkpoint),
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

  /// Tensors that share memory share it only within one file.
  private static func groups(
    of checkpoint: Checkpoint
  ) -> [(names: [String], byteCount: Int)] {
    var groups:
      OrderedDictionary<ObjectIdentifier, (names: [String], byteCount: Int)> =
        [:]
    for (name, tensor) in checkpoint.tensors {
      let size = tensor.storage.isMeta ? 0 : tensor.storage.byteCount
      groups[ObjectIdentifier(tensor.storage), default: ([], size)]
        .names.append(name)
    }
    return Array(groups.values)
  }

  private static func part(
    _ names: [String],
    of checkpoint: Checkpoint
  ) -> Checkpoint {
    var shard = StateDict([:], moduleVersions: checkpoint.moduleVersions)
    for name in names { shard.tensors[name] = checkpoint.tensors[name] }
    return Checkpoint(shard)
  }
}
