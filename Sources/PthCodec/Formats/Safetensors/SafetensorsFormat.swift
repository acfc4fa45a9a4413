internal import OrderedCollections
internal import Tensors

/// Hugging Face's safetensors: a JSON header, then the tensors; in one file, or
/// in several with a `*.safetensors.index.json` beside them.
public struct SafetensorsFormat: CheckpointFormat {
  /// Makes the format.
  public init() {}

  public var descriptor: FormatDescriptor {
    FormatDescriptor(
      id: .safetensors,
      aliases: ["st"],
      suffixes: ["safetensors", SafetensorsIndex.suffix],
      canRead: true,
      canWrite: true,
      summary: "Hugging Face's tensors with a JSON header; also sharded"
    )
  }

  public func recognizes(_ input: CheckpointInput) -> Bool {
    SafetensorsHeader.recognizes(input) || SafetensorsIndex.recognizes(input)
  }

  public func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    var checkpoint =
      if SafetensorsHeader.recognizes(input)
        || !SafetensorsIndex.recognizes(input)
      {
        try Self.read(input.mappedFile())
      } else {
        try SafetensorsIndex.read(input)
      }
    try SafetensorsExtras.takeModuleVersions(from: &checkpoint)
    try SafetensorsPickle.restore(
      &checkpoint,
      path: input.path,
      options: options
    )
    return checkpoint
  }

  /// Reads one file; its tensors stay in it.
  static func read(_ file: MappedFile) throws -> Checkpoint {
    let header = try SafetensorsHeader(of: file)
    var checkpoint = Checkpoint(
      format: .safetensors,
      tensors: [:],
      metadata: header.metadata
    )
    checkpoint.tensors.reserveCapacity(header.entries.count)
    for (name, entry) in header.entries {
      let start = header.dataStart + entry.range.lowerBound
      checkpoint.tensors[name] = try Tensor(
        dtype: entry.dtype,
        layout: entry.layout,
        storage: Storage(
          mapping: file,
          range: start..<(start + entry.range.count)
        )
        .inHostOrder(from: .little, dtype: entry.dtype)
      )
    }
    return checkpoint
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    var report = LossReport(.safetensors)
    if SafetensorsPickle.carries(checkpoint, options) {
      // The pickle has everything else, and all storages are written.
      report.addRecords(of: checkpoint)
      return report.losses
    }
    report.addTensorTraits(of: checkpoint)
    report.addValues(of: checkpoint)
    report.addObject(of: checkpoint)
    if options.settings["plain"] == "true" {
      report.addModuleVersions(of: checkpoint)
    }
    report.addMeta(of: checkpoint)
    report.addDTypes(of: checkpoint) { SafetensorsDType.name(of: $0) != nil }
    return report.losses
  }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    var metadata = checkpoint.metadata
    // What has no place is left out: the pickle has it, or the caller has
    // allowed the loss.
    var tensors = checkpoint.tensors.filter { _, tensor in
      SafetensorsDType.name(of: tensor.dtype) != nil && !tensor.storage.isMeta
    }
    if let content = checkpoint.pickled,
      SafetensorsPickle.carries(checkpoint, options)
    {
      try SafetensorsPickle.add(content, to: &tensors, &metadata, path: path)
    } else if options.settings["plain"] != "true" {
      SafetensorsExtras.addModuleVersions(of: checkpoint, to: &metadata)
    }
    SafetensorsExtras.addFormat(to: &metadata)
    let isIndex = path.lowercased().hasSuffix("." + SafetensorsIndex.suffix)
    if isIndex || options.settings[ShardPlan.setting] != nil {
      try SafetensorsIndex.write(
        tensors,
        metadata,
        to: path,
        options: options
      )
    } else {
      let writer = try SafetensorsWriter(tensors, metadata: metadata)
      let file = try writer.write(to: path, options: options)
      try file.commit()
    }
  }
}
