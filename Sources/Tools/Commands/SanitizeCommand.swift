internal import ArgumentParser
internal import PthCodec
internal import Tensors

/// `pth sanitize`: a checkpoint that `weights_only=True` lets through.
struct SanitizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sanitize",
    abstract: "Rewrite what torch.load(weights_only=True) refuses.",
    discussion: """
      NumPy's scalars and arrays, objects, enums, dates, paths and whole \
      modules become numbers, tensors, dicts, text and state dicts; each \
      change is listed. Tensors stay as they are. What has no plain form is \
      refused, and then nothing is written.

      Exit code 0: done, 65: something has no plain form, 73: the output is \
      there already or can't be made.

      Example: pth sanitize training.pth safe.pth
      """
  )

  @Argument(help: "The checkpoint to read.", completion: .file())
  var input: String

  @Argument(help: "The PyTorch file to write.", completion: .file())
  var output: String

  @Option(help: "The records of the archive: torch1 or torch2.")
  var layout: TorchLayout?

  @Flag(help: "Print the changes as a JSON list.")
  var json = false

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    let checkpoint = try Checkpoint.open(input, options: limits.readOptions)
    let (safe, changes) = try checkpoint.sanitized()
    try ProgressBar.during("writing \(output)") { progress in
      try safe.save(
        to: output,
        as: .pytorchZip,
        options: WriteOptions(
          layout: layout,
          pickleProtocol: 2,
          replacesExisting: force,
          progress: progress
        )
      )
    }
    if json {
      print(JSONValue.array(changes.map(json(of:))).text(indent: 2))
    } else {
      for change in changes { print(text(of: change)) }
    }
  }

  private func text(of change: SanitizedValue) -> String {
    let path = change.path.isEmpty ? "(root)" : change.path
    return Text.printable("\(path): \(change.from) -> \(change.to)")
  }

  private func json(of change: SanitizedValue) -> JSONValue {
    .object([
      ("path", .string(change.path)),
      ("from", .string(change.from)),
      ("to", .string(change.to)),
    ])
  }
}
