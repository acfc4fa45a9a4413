internal import ArgumentParser
internal import PthCodec

/// `pth salvage`: what is still whole in a damaged archive.
struct SalvageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "salvage",
    abstract: "Save from a truncated or damaged archive what is still whole.",
    discussion: """
      Records are found by walking through the file; every storage's CRC-32 is \
      checked. The output is a sound checkpoint of the tensors that survive; \
      those that don't are listed with the reason.

      Exit code 0: everything was saved, 1: something is lost, 65: nothing \
      could be saved.

      Example: pth salvage interrupted-download.pth rest.pth
      """
  )

  @Argument(help: "The damaged archive.", completion: .file())
  var input: String

  @Argument(help: "The checkpoint to write.", completion: .file())
  var output: String

  @Flag(help: "Replace an existing file.")
  var force = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    let report = try ProgressBar.during("reading \(input)") { progress in
      try Salvage.read(
        input,
        options: limits.readOptions,
        progress: progress
      )
    }
    try ProgressBar.during("writing \(output)") { progress in
      try report.checkpoint.save(
        to: output,
        as: .pytorchZip,
        options: WriteOptions(replacesExisting: force, progress: progress)
      )
    }
    if json {
      print(jsonReport(report).text(indent: 2))
    } else {
      print(FindingText.lines(of: report.notes), terminator: "")
      for loss in report.losses {
        print("  lost \(Text.printable(loss.name)): \(loss.reason)")
      }
      let total = report.survivors.count + report.losses.count
      print(
        "\(Text.printable(output)): \(report.survivors.count) of \(total) "
          + "tensors saved"
      )
    }
    if !report.losses.isEmpty { throw Exit.found }
  }

  private func jsonReport(_ report: SalvageReport) -> JSONValue {
    .object([
      ("file", .string(input)),
      ("output", .string(output)),
      ("saved", .array(report.survivors.map { .string($0) })),
      (
        "lost",
        .array(
          report.losses.map {
            .object([
              ("name", .string($0.name)), ("reason", .string($0.reason)),
            ])
          }
        )
      ),
      ("findings", .array(report.notes.map(FindingText.json(of:)))),
    ])
  }
}
