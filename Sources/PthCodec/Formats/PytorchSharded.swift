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
    canWrite: false,
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
}
