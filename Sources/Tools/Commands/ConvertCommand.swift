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

      Examples:
        pth convert train-images-idx3-ubyte.gz train_data.pth
        pth convert training.pth model.safetensors --key model
        pth convert ddp.pth half.pth --strip-prefix module. --dtype float16
        pth convert other.pth --suggest-map MyConvNet > names.tsv
        pth convert other.pth mine.pth --map names.tsv
      """
  )

  @Argument(help: "The file or folder to read.")
  var input: String

  @Argument(help: "The file or folder to write.")
  var output: String?

  @Option(help: "The input's format; `pth formats` lists them.")
  var from: String?

  @Option(help: "The output's format.")
  var to: String?

  @Option(help: "The records of a PyTorch archive: torch1 or torch2.")
  var layout: LayoutOption?

  @Option(name: .customLong("protocol"), help: "The pickle protocol, 2 to 5.")
  var pickleProtocol: Int?

  @OptionGroup(title: "Changes") var edits: EditOptions

  @Option(help: "Print a table of renames that would fit a model: MyConvNet.")
  var suggestMap: ModelOption?

  @Option(help: "Write several files of at most this size: 500MB, 5GB.")
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
      throw ValidationError("--protocol takes 2 to 5.")
    }
    guard output != nil || suggestMap != nil else {
      throw ValidationError("Missing expected argument '<output>'")
    }
    if output != nil, suggestMap != nil {
      throw ValidationError(
        "--suggest-map prints a table to look through; it takes no output. "
          + "Use the table with --map."
      )
    }
  }

  func run() throws {
    let source = try from.map(format(named:))
    let checkpoint = try edits.applied(to: Checkpoint.open(input, as: source))
    if let suggestMap {
      print(suggestMap.suggestion(for: checkpoint).text, terminator: "")
    } else if let output {
      try write(checkpoint, to: output)
    }
  }

  private func write(_ edited: Checkpoint, to output: String) throws {
    var checkpoint = edited
    let target =
      try to.map(format(named:)) ?? FormatRegistry.format(forPath: output)
    if scale { checkpoint = try scaled(checkpoint, for: target) }
    let bar = ProgressBar("writing \(output)")
    let options = WriteOptions(
      layout: layout?.layout,
      pickleProtocol: pickleProtocol,
      replacesExisting: force,
      allowsLoss: force,
      settings: settings,
      progress: { bar?.update($0, of: $1) }
    )
    var losses: [ConversionLoss] = []
    if force {
      losses = try checkpoint.losses(
        savingTo: output,
        as: target,
        options: options
      )
    }
    defer { bar?.clear() }
    try checkpoint.save(to: output, as: target, options: options)
    bar?.clear()
    for loss in losses.prefix(Self.maxLosses) {
      Failure.report(
        "warning",
        "\(output): left out: \(Text.printable(loss.path)): \(loss.reason)"
      )
    }
    if losses.count > Self.maxLosses {
      Failure.report(
        "warning",
        "\(output): and \(losses.count - Self.maxLosses) more"
      )
    }
  }

  private static let maxLosses = 20

  private var settings: [String: String] {
    var settings: [String: String] = [:]
    settings["max-shard-size"] = maxShardSize
    if plain { settings["plain"] = "true" }
    if compress { settings["compress"] = "true" }
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
      return try DatasetConversion.unscaled(checkpoint, allowsLoss: force)
    }
    return checkpoint
  }

  private func format(named name: String) throws -> FormatID {
    guard let format = FormatRegistry.format(named: name) else {
      throw ValidationError(
        "There is no format \"\(name)\"; `pth formats` lists them."
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
