import ConvNet
import PthCodec
import Tensors

/// The block in the comment of `Module`.
enum ModuleComment {
  // block
  struct Linear: Module {
    var weight = Parameter<Float>(shape: [10, 196])
    var bias = Parameter<Float>(shape: [10])

    mutating func visitParameters(_ visitor: inout ModuleVisitor) {
      visitor.visit(&weight, "weight")
      visitor.visit(&bias, "bias")
    }
  }
  // end
}

/// The blocks in the sources' comments.
func comments() throws {
  print(ModuleComment.Linear().parameterDescriptions.map(\.key))
  try checkpointComment()
  try decodersComment()
  try pythonValueComment()
}

private func checkpointComment() throws {
  // block
  let checkpoint = try Checkpoint.open("hw7_21307303_liuzhuoyi.pth")
  let weight = try checkpoint.tensor("fc.4.weight").elements(as: Float.self)
  // end
  print(weight.count)
}

private func decodersComment() throws {
  // block
  let decoders: ObjectDecoders = [
    "my_package.Scaled": { object in
      try object.state?["weight"].map { .tensor(try $0.tensor()) }
    }
  ]
  let checkpoint = try Checkpoint.open("model.pth", decoders: decoders)
  // end
  print(checkpoint.tensors.keys)
}

private func pythonValueComment() throws {
  let model = MyConvNet()
  // block
  let checkpoint = try Checkpoint(
    .dict([
      (.string("epoch"), .int(3)),
      (.string("model"), .stateDict(model.stateDict())),
    ])
  )
  // end
  print(checkpoint.tensors.count)
}
