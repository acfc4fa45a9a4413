import PthCodec

/// The block of README.md.
func readme() throws {
  // block
  let checkpoint = try Checkpoint.open("hw7_21307303_liuzhuoyi.pth")
  let weight = try checkpoint.tensor("fc.4.weight")
  print(weight.shape, try weight.elements(as: Float.self)[0])
  try checkpoint.save(to: "homework.safetensors")
  // end
}
