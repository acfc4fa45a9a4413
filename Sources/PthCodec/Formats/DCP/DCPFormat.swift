internal import Tensors

/// A folder of `torch.distributed.checkpoint`: `.metadata` and `.distcp` files.
struct DCPFormat: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .dcp,
    aliases: [],
    suffixes: [],
    canRead: true,
    canWrite: true,
    summary: "folder of torch.distributed.checkpoint"
  )

  func recognizes(_ input: CheckpointInput) -> Bool {
    input.file == nil
      && (try? MappedFile.open(input.path + "/" + DCPFolder.metadataName))
        != nil
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    guard input.file == nil else {
      throw CheckpointError(
        .mismatch,
        "a distributed checkpoint is a folder, not a file",
        file: input.path
      )
    }
    var folder = try DCPFolder(input.path, options: options)
    return try folder.checkpoint()
  }

  func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    // Writing tells what is wrong with an object that has no flat form.
    (try? DCPOutput(checkpoint))?.losses ?? []
  }

  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    try DCPOutput(checkpoint).write(to: path, options: options)
  }
}
