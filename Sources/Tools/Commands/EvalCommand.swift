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
      script does, by drawing each answer from the probabilities.

      Example: pth eval hw7_21307303_liuzhuoyi.pth data
      """
  )

  @Argument(help: "The checkpoint.")
  var checkpoint: String

  @Argument(help: "The folder with test_data.pth and test_labels.pth.")
  var directory: String

  @Flag(help: "Print a JSON object.")
  var json = false

  @Option(help: "The seed of the drawn answers.")
  var seed: UInt64 = 0

  @Option(help: "The threads to work on.")
  var threads = 2

  func validate() throws {
    guard (1...256).contains(threads) else {
      throw ValidationError("--threads takes 1 to 256.")
    }
  }

  func run() throws {
    let model = try ModelFile.model(checkpoint)
    let dataset = try DatasetFolder(directory).dataset(.test)
    let evaluation = try Evaluator(model, threads: threads)
      .evaluate(dataset, seed: seed)
    print(
      json
        ? EvaluationReport(evaluation).json.text(indent: 2)
        : EvaluationReport(evaluation).text
    )
  }
}
