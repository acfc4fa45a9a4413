import PthCodec

/// The block of PthCodec's landing page.
func landingPage() throws {
  // block
  let checkpoint = try Checkpoint.open("hw7_21307303_liuzhuoyi.pth")
  for (name, tensor) in checkpoint.tensors {
    print(name, tensor.dtype, tensor.shape)
  }
  let weight = try checkpoint.tensor("fc.4.weight").elements(as: Float.self)
  print(weight.count, weight[0])
  try checkpoint.save(to: "homework.safetensors")
  // end
}
