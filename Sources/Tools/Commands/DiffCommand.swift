internal import ArgumentParser
internal import PthCodec
internal import Tensors

/// `pth diff`: what tells two checkpoints apart.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two checkpoints by name; exit 0 same, 1 different.",
    discussion: """
      Tensors are compared by shape, dtype, elements and shared memory, values \
      by path; formats may differ. NaN is the same as NaN. Elements are the \
      same where |a-b| <= atol + rtol*|b|. A relative difference is told as a \
      part of the larger of the two.

      Exit code 0: the same, 1: different, 65: no checkpoint, 66: no such file.

      Examples:
        pth diff before.pth after.safetensors --rtol 1e-3
        cat after.pth | pth diff before.pth -
      """
  )

  @Argument(
    help: "The first checkpoint; - for standard input.",
    completion: .file()
  )
  var first: String

  @Argument(help: "The second checkpoint.", completion: .file())
  var second: String

  @Option(help: "The relative difference that is allowed.")
  var rtol = 0.0

  @Option(help: "The absolute difference that is allowed.")
  var atol = 0.0

  @Flag(help: "Print a JSON object.")
  var json = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func validate() throws {
    guard rtol >= 0, atol >= 0, rtol.isFinite, atol.isFinite else {
      throw ValidationError("--rtol and --atol take numbers from 0 on")
    }
  }

  func run() throws {
    let a = try Checkpoint.open(
      StandardInput.path(for: first),
      options: limits.readOptions
    )
    let b = try Checkpoint.open(
      StandardInput.path(for: second),
      options: limits.readOptions
    )
    let name = StandardInput.name(of: first)
    let differences = try ProgressBar.during("comparing \(name)") { progress in
      try a.differences(
        to: b,
        tolerance: Tolerance(relative: rtol, absolute: atol),
        progress: progress
      )
    }
    let report = DiffReport(
      differences,
      (StandardInput.name(of: first), a),
      (StandardInput.name(of: second), b)
    )
    if json {
      print(report.json.text(indent: 2))
    } else {
      print(report.text, terminator: "")
    }
    if !differences.isEmpty { throw Exit.found }
  }
}
