internal import OrderedCollections
internal import Pickle
internal import Tensors

/// The file of torch before 1.6, and of
/// `torch.save(_use_new_zipfile_serialization=False)`.
struct PytorchLegacy: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .pytorchLegacy,
    aliases: ["pth-legacy", "legacy"],
    suffixes: [],
    canRead: true,
    canWrite: true,
    summary: "run of pickles and storages, torch.save before 1.6"
  )

  func recognizes(_ input: CheckpointInput) -> Bool {
    LegacyFile.recognizes(input)
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    try LegacyFile(input, options: options).checkpoint()
  }

  func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    // What torch has written once may be written again.
    guard checkpoint.pickled?.legacy == nil else { return [] }
    var report = LossReport(descriptor.id)
    report.addUnpickled(of: checkpoint)
    for (name, tensor) in checkpoint.tensors
    where StorageType(writing: tensor.dtype) == .untyped {
      report.add(
        name,
        "no torch reads \(tensor.dtype) from the file of torch before 1.6"
      )
    }
    return report.losses
  }

  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    try LegacyOutput(checkpoint, path: path, options: options).write()
  }
}
