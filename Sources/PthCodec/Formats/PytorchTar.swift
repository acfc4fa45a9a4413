internal import Tensors

/// The tar archive of torch 0.1.
struct PytorchTar: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .pytorchTar,
    aliases: ["tar"],
    suffixes: [],
    canRead: true,
    canWrite: false,
    summary: "tar archive of pickles, torch.save of torch 0.1"
  )

  func recognizes(_ input: CheckpointInput) -> Bool {
    TorchTar.recognizes(input)
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    try TorchTar(input, options: options).checkpoint()
  }
}
