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
    canWrite: false,
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
}
