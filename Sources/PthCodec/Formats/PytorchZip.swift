internal import OrderedCollections
internal import Pickle
internal import Tensors

/// PyTorch's zip archive, as `torch.save` writes it since 1.6.
///
/// Source: `torch/serialization.py` and `caffe2/serialize` of torch 1.13 and
/// 2.13, and files that they wrote.
struct PytorchZip: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .pytorchZip,
    aliases: ["pth", "pt", "pytorch"],
    suffixes: ["pth", "pt", "bin", "ckpt"],
    canRead: true,
    canWrite: true,
    summary: "zip archive with a pickle, torch.save since 1.6"
  )

  func recognizes(_ input: CheckpointInput) -> Bool {
    TorchArchive.recognizes(input) && !TorchArchive.isScript(input)
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    try TorchArchive(input, options: options).checkpoint(as: .pytorchZip)
  }

  func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    if options.settings[ShardPlan.setting] != nil {
      return PytorchSharded().losses(writing: checkpoint, options: options)
    }
    var report = LossReport(.pytorchZip)
    report.addUnpickled(of: checkpoint)
    return report.losses
  }

  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    if options.settings[ShardPlan.setting] != nil {
      return try PytorchSharded()
        .write(checkpoint, to: path, options: options)
    }
    try TorchArchiveOutput(checkpoint, path: path, options: options).write()
  }
}

/// PyTorch's zip archive of a compiled module, as `torch.jit.save` writes it.
struct TorchScript: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .torchScript,
    aliases: [],
    suffixes: [],
    canRead: true,
    canWrite: false,
    summary: "zip archive with code, torch.jit.save"
  )

  func recognizes(_ input: CheckpointInput) -> Bool {
    TorchArchive.recognizes(input) && TorchArchive.isScript(input)
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    try TorchArchive(input, options: options).checkpoint(as: .torchScript)
  }
}
