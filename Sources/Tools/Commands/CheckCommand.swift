internal import ArgumentParser
internal import PthCodec

/// `pth check`: whether a version of PyTorch will load a file.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Tell whether a version of PyTorch will load a file.",
    discussion: """
      And if not, which opcode, global, record or tensor keeps it from doing so. \
      Warnings tell which modules have to be there and what loading would do.

      Exit code 0: it loads, 1: it does not, 65: no PyTorch file.

      Example: pth check model.pth --for torch-2.13 --weights-only
      """
  )

  @Argument(help: "The file.", completion: .file())
  var input: String

  @Option(name: .customLong("for"), help: "torch-1.13 or torch-2.13.")
  var version: TorchTarget

  @Flag(help: "As torch.load with weights_only=True.")
  var weightsOnly = false

  @Flag(help: "As torch.load with mmap=True.")
  var mmap = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    let report = try LoadCheck.check(
      input,
      options: LoadOptions(
        version,
        weightsOnly: weightsOnly,
        mmap: mmap,
        reading: limits.readOptions
      )
    )
    if json {
      print(
        JSONValue.object([
          ("file", .string(input)),
          ("target", .string(version.rawValue)),
          ("weightsOnly", .bool(weightsOnly)),
          ("mmap", .bool(mmap)),
          ("loads", .bool(report.loads)),
          ("findings", .array(report.findings.map(FindingText.json(of:)))),
        ]).text(indent: 2)
      )
    } else {
      var call = version.rawValue
      if weightsOnly { call += " with weights_only=True" }
      if mmap { call += (weightsOnly ? " and" : " with") + " mmap=True" }
      let verdict = report.loads ? "loads in" : "does not load in"
      print("\(Text.printable(input)): \(verdict) \(call)")
      print(FindingText.lines(of: report.findings), terminator: "")
    }
    if !report.loads { throw Exit.found }
  }
}
