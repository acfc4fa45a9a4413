internal import ArgumentParser
internal import ConvNet
internal import PthCodec
internal import Tensors

/// `pth convert`: from any format into any other, with changes on the way.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert between formats; rename, choose, change dtypes.",
    discussion: """
      The input's format is found by its content, the output's by its suffix. \
      What the output can't hold is listed, and refused without --force. From \
      IDX to a checkpoint, images become float32 [N,1,rows,columns] in 0…1 and \
      labels int64; to IDX, they become uint8 again.

      A PyTorch file is changed without loading it: keys and entries of its \
      object change, storages are copied as they are.

      Exit code 0: done, 65: bad data, or what the output can't hold, 66: no \
      such input, 73: the output is there already or can't be made, 74: \
      reading or writing failed; then no output is left.

      Examples:
        pth convert train-images-idx3-ubyte.gz train_data.pth
        pth convert training.pth model.safetensors --key model
        pth convert ddp.pth half.pth --strip-prefix module. --dtype float16
        pth convert - - --to safetensors < model.pth | ssh host tee copy
        pth convert other.pth --suggest-map MyConvNet > names.tsv
        pth convert other.pth mine.pth --map names.tsv
      """
  )

  @Argument(
    help: "The file or folder to read; - for standard input.",
    completion: .file()
  )
  var input: String

  @Argument(
    help: "The file or folder to write; - for standard output.",
    completion: .file()
  )
  var output: String?

  @Option(
    help: ArgumentHelp(
      "The input's format; `pth formats` lists them.",
      valueName: "format"
    ),
    completion: .list(FormatRegistry.descriptors.map(\.id.rawValue))
  )
  var from: String?

  @Option(
    help: ArgumentHelp(
      "The output's format.",
      valueName: "format"
    ),
    completion: .list(FormatRegistry.descriptors.map(\.id.rawValue))
  )
  var to: String?

  @Option(help: "The records of a PyTorch archive: torch1 or torch2.")
  var layout: TorchLayout?

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp(
      "The pickle protocol, 2 to 5.",
      valueName: "number"
    )
  )
  var pickleProtocol: Int?

  @OptionGroup(title: "Changes") var edits: EditOptions

  @OptionGroup(title: "Limits") var limits: LimitOptions

  @Option(
    help: ArgumentHelp(
      "Print a table of renames that would fit a model: MyConvNet.",
      valueName: "model"
    )
  )
  var suggestMap: ModelOption?

  @Option(
    help: ArgumentHelp(
      "Write several files of at most this size: 500MB, 5GB.",
      valueName: "size"
    )
  )
  var maxShardSize: String?

  @Flag(help: "Write safetensors without what only PyTorch would read.")
  var plain = false

  @Flag(help: "Compress the arrays of an npz file.")
  var compress = false

  @Flag(
    inversion: .prefixedNo,
    help: "Scale between pixels of 0…255 and numbers of 0…1, from and to IDX."
  )
  var scale = true

  @Flag(help: "Replace an existing file, and leave out what can't be kept.")
  var force = false

  func validate() throws {
    if let pickleProtocol, !(2...5).contains(pickleProtocol) {
      throw ValidationError("--protocol takes 2 to 5")
    }
    guard output != nil || suggestMap != nil else {
      throw ValidationError("missing expected argument '<output>'")
    }
    if output == StandardInput.argument { try validateStandardOutput() }
    if output != nil, suggestMap != nil {
      throw ValidationError(
        "--suggest-map prints a table to look through; it takes no output; "
          + "use the table with --map"
      )
    }
  }

  private func validateStandardOutput() throws {
    guard to != nil else {
      throw ValidationError(
        "standard output has no ending that says a format; name it with --to"
      )
    }
    guard maxShardSize == nil else {
      throw ValidationError(
        "standard output takes one file; --max-shard-size makes several"
      )
    }
    guard !Terminal.isOutput || to == FormatID.csv.rawValue else {
      throw ValidationError(
        "standard output is a terminal, and the file is no text; redirect it, "
          + "or name a file"
      )
    }
  }

  func run() throws {
    let source = try from.map(format(named:))
    let named = try to.map(format(named:))
    let path = try StandardInput.path(for: input)
    let checkpoint = try edits.applied(
      to: Checkpoint.open(path, as: source, options: limits.readOptions)
    )
    if let suggestMap {
      print(suggestMap.suggestion(for: checkpoint).text, terminator: "")
    } else if let output {
      let target = try named ?? FormatRegistry.format(forPath: output)
      if output == StandardInput.argument {
        try StandardOutput.send { try write(checkpoint, as: target, to: $0) }
      } else {
        try write(checkpoint, as: target, to: output)
      }
    }
  }

  private func write(
    _ edited: Checkpoint,
    as target: FormatID,
    to output: String
  ) throws {
    var checkpoint = edited
    if scale { checkpoint = try scaled(checkpoint, for: target) }
    let name =
      self.output == StandardInput.argument ? "standard output" : output
    var options = WriteOptions(
      layout: layout,
      pickleProtocol: pickleProtocol,
      replacesExisting: force,
      allowsLoss: force,
      settings: settings
    )
    var losses: [ConversionLoss] = []
    if force {
      losses = try checkpoint.losses(
        savingTo: output,
        as: target,
        options: options
      )
    }
    try ProgressBar.during("writing \(name)") { progress in
      options.progress = progress
      try checkpoint.save(to: output, as: target, options: options)
    }
    for loss in losses.prefix(Self.maxLosses) {
      Failure.report(
        "warning",
        "\(name): left out: \(loss.path): \(loss.reason)"
      )
    }
    if losses.count > Self.maxLosses {
      Failure.report(
        "warning",
        "\(name): and \(losses.count - Self.maxLosses) more"
      )
    }
  }

  private static let maxLosses = 20

  private var settings: [String: String] {
    var settings: [String: String] = [:]
    settings["max-shard-size"] = maxShardSize
    if plain { settings["plain"] = "true" }
    if compress { settings["compress"] = "true" }
    // torch.save into a buffer names the archive's folder so.
    if output == StandardInput.argument { settings["root-name"] = "archive" }
    if edits.isBlockType { settings["dtype"] = edits.dtype?.lowercased() }
    return settings
  }

  private func scaled(
    _ checkpoint: Checkpoint,
    for target: FormatID
  ) throws -> Checkpoint {
    if checkpoint.format == .idx, target != .idx {
      return try DatasetConversion.scaled(checkpoint)
    }
    if checkpoint.format != .idx, target == .idx {
      do {
        return try DatasetConversion.unscaled(checkpoint, allowsLoss: force)
      } catch var error as CheckpointError {
        error.file = error.file ?? input
        throw error
      }
    }
    return checkpoint
  }

  private func format(named name: String) throws -> FormatID {
    guard let format = FormatRegistry.format(named: name) else {
      throw Failure(
        Exit.usage,
        "there is no format \"\(name)\"; `pth formats` lists them"
      )
    }
    return format
  }
}

/// `--suggest-map`: the models whose names are known.
enum ModelOption: String, ExpressibleByArgument, CaseIterable {
  case myConvNet = "MyConvNet"

  /// A proposal which tensor is which parameter.
  func suggestion(for checkpoint: Checkpoint) -> NameSuggestion {
    switch self {
    case .myConvNet:
      NameSuggestion(
        from: checkpoint.tensors,
        to: MyConvNet().parameterDescriptions
      )
    }
  }
}
