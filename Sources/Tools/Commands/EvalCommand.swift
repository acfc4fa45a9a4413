internal import ArgumentParser
internal import ConvNet
internal import PthCodec
internal import Tensors

/// `pth eval`: how well a checkpoint classifies the test set.
struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Test a checkpoint of MyConvNet on test_data.pth.",
    discussion: """
      Accuracy is told twice: by the most probable class, and as the course's \
      script does, by drawing each answer from the probabilities. --plots \
      draws the confusion matrix and a sheet of the misclassified images, each \
      with its label and what it was taken for, beside each other in --output.

      Exit code 0: done, 65: no MyConvNet or no dataset, 66: no such file.

      Example: pth eval hw7_21307303_liuzhuoyi.pth data --plots
      """
  )

  @Argument(help: "The checkpoint.", completion: .file())
  var checkpoint: String

  @Argument(
    help: "The folder with test_data.pth and test_labels.pth.",
    completion: .directory
  )
  var directory: String

  @Flag(help: "Print a JSON object.")
  var json = false

  @Flag(help: "Draw confusions and errors as SVG and PNG, with gnuplot.")
  var plots = false

  @Option(help: "The folder for the pictures.", completion: .directory)
  var output = "."

  @Option(help: "The seed of the drawn answers.")
  var seed: UInt64 = 0

  @Option(help: "The threads to work on.")
  var threads = 2

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads takes 1 to 256")
    }
  }

  func run() throws {
    let model = try ModelFile.model(checkpoint)
    let dataset = try DatasetFolder(directory).dataset(.test)
    if plots { try EvaluationPlots.check(base: pictureBase) }
    let evaluator = try Evaluator(model, threads: threads)
    let evaluation = try ProgressBar.during(
      "testing \(checkpoint)",
      unit: .things("images")
    ) { progress in
      try evaluator.evaluate(dataset, seed: seed, progress: progress)
    }
    let report = EvaluationReport(evaluation)
    if json {
      print(report.json.text(indent: 2))
    } else {
      print(report.text, terminator: "")
    }
    guard plots else { return }
    try EvaluationPlots(evaluation, of: dataset, base: pictureBase).draw {
      // A program that reads the object shall find nothing else.
      if json { StandardError.write("\($0)\n") } else { print($0) }
    }
  }

  /// The pictures' paths up to what each one shows: the checkpoint's name.
  private var pictureBase: String {
    let name = checkpoint.split(separator: "/").last.map(String.init) ?? ""
    let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    return output == "." ? stem : "\(output)/\(stem)"
  }
}
