internal import ArgumentParser
internal import PthCodec
internal import Tensors

/// `pth convert`: from any format into any other.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert between checkpoint and dataset formats.",
    discussion: """
      The input's format is found by its content, the output's by its suffix. \
      What the output can't hold is listed, and refused without --force. From \
      IDX to a checkpoint, images become float32 [N,1,rows,columns] in 0…1 and \
      labels int64; to IDX, they become uint8 again.

      Example: pth convert train-images-idx3-ubyte.gz train_data.pth
      """
  )

  @Argument(help: "The file or folder to read.")
  var input: String

  @Argument(help: "The file or folder to write.")
  var output: String

  @Option(help: "The input's format; `pth formats` lists them.")
  var from: String?

  @Option(help: "The output's format.")
  var to: String?

  @Option(help: "The records of a PyTorch archive: torch1 or torch2.")
  var layout: LayoutOption?

  @Option(name: .customLong("protocol"), help: "The pickle protocol, 2 to 5.")
  var pickleProtocol: Int?

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
  }

  func run() throws {
    let source = try from.map(format(named:))
    let target = try to.map(format(named:))
    var checkpoint = try Checkpoint.open(input, as: source)
    let writtenFormat = try target ?? FormatRegistry.format(forPath: output)
    if scale {
      checkpoint = try scaled(checkpoint, for: writtenFormat)
    }
    try checkpoint.save(
      to: output,
      as: writtenFormat,
      options: WriteOptions(
        layout: layout?.layout,
        pickleProtocol: pickleProtocol,
        replacesExisting: force,
        allowsLoss: force
      )
    )
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
