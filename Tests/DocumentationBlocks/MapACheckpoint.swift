import PthCodec
import Tensors

// block
struct Linear: Module {
  var weight: Parameter<Float>
  var bias: Parameter<Float>

  init(inputs: Int, outputs: Int) {
    weight = Parameter(shape: [outputs, inputs])
    bias = Parameter(shape: [outputs])
  }

  mutating func visitParameters(_ visitor: inout ModuleVisitor) {
    visitor.visit(&weight, "weight")
    visitor.visit(&bias, "bias")
  }
}

/// The `fc` of the course's network: an `nn.Sequential` with two ReLUs.
struct Classifier: Module {
  var hidden = Linear(inputs: 1568, outputs: 392)
  var narrow = Linear(inputs: 392, outputs: 196)
  var output = Linear(inputs: 196, outputs: 10)

  mutating func visitParameters(_ visitor: inout ModuleVisitor) {
    visitor.scope("fc") { fc in
      fc.scope(&hidden, "0")
      fc.scope("1")
      fc.scope(&narrow, "2")
      fc.scope("3")
      fc.scope(&output, "4")
    }
  }
}
// end

/// The blocks of "Map a checkpoint onto your model".
func mapACheckpoint() throws {
  // block
  let checkpoint = try Checkpoint.open("hw7_21307303_liuzhuoyi.pth")
  var classifier = Classifier()
  do {
    try classifier.load(checkpoint.stateDict)
  } catch {
    print(error.unexpectedKeys)  // ["cnn.0.weight", "cnn.0.bias", …]
  }
  try classifier.load(checkpoint.stateDict, strict: false)
  print(classifier.output.bias.values)
  // end

  // block
  let parallel = try Checkpoint.open("parallel.pth")
  let plain = try parallel.strippingPrefix("module.")

  var map = NameMap()
  try map.addRename(#"^classifier\.=fc."#)
  let renamed = try plain.renamed(by: map)
  print(renamed.tensors.keys.last ?? "")  // fc.4.bias
  // end

  // block
  let suggestion = NameSuggestion(
    from: plain.tensors,
    to: Classifier().parameterDescriptions
  )
  print(suggestion.text)
  // end

  // block
  try Checkpoint(classifier.stateDict()).save(to: "classifier.pth")
  // end

  // block
  var optimizer = OptimizerState(
    groups: [
      .init(
        parameters: (0..<6).map { .number($0) },
        options: ["lr": .float(3e-4)]
      )
    ]
  )
  try optimizer.set("exp_avg", to: classifier)
  try Checkpoint(optimizer.value).save(to: "optimizer.pth")

  let saved = try OptimizerState(Checkpoint.open("optimizer.pth"))
  let means = try saved.values("exp_avg", like: classifier)
  print(means.output.bias.shape, saved.groups[0].options["lr"]?.number ?? 0)
  // end
}
