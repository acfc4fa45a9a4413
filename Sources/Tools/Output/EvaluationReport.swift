internal import ConvNet
internal import PthCodec

/// What `pth eval` tells.
struct EvaluationReport {
  private let evaluation: Evaluation

  init(_ evaluation: Evaluation) {
    self.evaluation = evaluation
  }

  /// The report for programs.
  var json: JSONValue {
    .object([
      ("images", .int(evaluation.images)),
      ("loss", .double(evaluation.loss)),
      ("argmaxAccuracy", .double(evaluation.argmaxAccuracy)),
      ("sampledAccuracy", .double(evaluation.sampledAccuracy)),
      (
        "confusion",
        .array(evaluation.confusion.map { .array($0.map { .int($0) }) })
      ),
      (
        "perClass",
        .array(
          evaluation.perClass.map {
            .object([
              ("precision", .double($0.precision)),
              ("recall", .double($0.recall)),
              ("f1", .double($0.f1)),
            ])
          }
        )
      ),
    ])
  }

  /// The report for a person.
  var text: String {
    let summary = """
      images            \(Text.count(evaluation.images))
      loss              \(Text.fixed(evaluation.loss, 5))
      argmax accuracy   \(Text.fixed(evaluation.argmaxAccuracy, 5))  \
      (\(Text.count(evaluation.argmaxCorrect)) right)
      sampled accuracy  \(Text.fixed(evaluation.sampledAccuracy, 5))  \
      (\(Text.count(evaluation.sampledCorrect)) right)
      """
    return summary + "\n\n" + classes + "\n" + confusion
  }

  private var classes: String {
    var table = Table(
      ["DIGIT", "PRECISION", "RECALL", "F1"],
      rightAligned: [1, 2, 3]
    )
    for (digit, score) in evaluation.perClass.enumerated() {
      table.add([
        "\(digit)", Text.fixed(score.precision, 4),
        Text.fixed(score.recall, 4), Text.fixed(score.f1, 4),
      ])
    }
    return table.text()
  }

  private var confusion: String {
    var table = Table(
      ["TRUE\\TOLD"] + (0..<10).map(String.init),
      rightAligned: Set(1...10)
    )
    for (digit, row) in evaluation.confusion.enumerated() {
      table.add(["\(digit)"] + row.map(String.init))
    }
    return table.text()
  }
}
