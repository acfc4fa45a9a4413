/// The kinds of files that the package knows, by their public names.
public enum FormatID: String, Sendable, Hashable, CaseIterable {
  /// A zip archive as `torch.save` writes it since 1.6.
  case pytorchZip = "pytorch-zip"
  /// The run of pickles that torch wrote before 1.6.
  case pytorchLegacy = "pytorch-legacy"
  /// The tar archive of torch 0.1.
  case pytorchTar = "pytorch-tar"
  /// A zip archive as `torch.jit.save` writes it.
  case torchScript = "torchscript"
  /// Hugging Face shards: `*.bin.index.json` beside its parts.
  case pytorchSharded = "pytorch-sharded"
  /// A folder of `torch.distributed.checkpoint`.
  case dcp
  /// Hugging Face's safetensors, also sharded.
  case safetensors
  /// NumPy's archive of arrays.
  case npz
  /// One NumPy array.
  case npy
  /// The format of MNIST, also gzipped.
  case idx
  /// The format of ggml.
  case gguf
  /// A graph with its initializers.
  case onnx
  /// A dataset's rows as text.
  case csv
}

/// What a format can do, for help texts and for choosing one.
public struct FormatDescriptor: Sendable, Hashable {
  /// The format's name in `pth info` and `pth formats`.
  public let id: FormatID

  /// The names that `--from` and `--to` take besides the format's own.
  public let aliases: [String]

  /// File name endings without the first dot, the preferred one first.
  public let suffixes: [String]

  /// Whether files can be read.
  public let canRead: Bool

  /// Whether files can be written.
  public let canWrite: Bool

  /// One line about the format.
  public let summary: String

  /// Describes a format.
  ///
  /// - Parameters:
  ///   - id: The format's name.
  ///   - aliases: Other names that `--from` and `--to` take.
  ///   - suffixes: File name endings without the first dot.
  ///   - canRead: Whether files can be read.
  ///   - canWrite: Whether files can be written.
  ///   - summary: One line about the format.
  public init(
    id: FormatID,
    aliases: [String] = [],
    suffixes: [String],
    canRead: Bool,
    canWrite: Bool,
    summary: String
  ) {
    self.id = id
    self.aliases = aliases
    self.suffixes = suffixes
    self.canRead = canRead
    self.canWrite = canWrite
    self.summary = summary
  }
}
