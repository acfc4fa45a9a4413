import PthCodec
import Tensors

/// The blocks of "Write a checkpoint for PyTorch".
func writeACheckpoint() throws {
  try writeTensors()
  try writeDataset()
}

private func writeTensors() throws {
  // block
  let weight = try Tensor([0.5, 1, 1.5, 2, 2.5, 3] as [Float], shape: [2, 3])
  let bias = try Tensor([0, -1] as [Float])
  let stateDict = StateDict(["weight": weight, "bias": bias])
  try Checkpoint(stateDict).save(to: "linear.pth")
  // end

  // block
  let training = try Checkpoint(
    .dict([
      (.string("epoch"), .int(3)),
      (.string("loss"), .float(0.25)),
      (.string("model"), .stateDict(stateDict)),
    ])
  )
  try training.save(to: "training.pth")
  // end

  // block
  let small = try Checkpoint.open("training.pth")
    .part("model")
    .converted(to: .float16)
  try small.save(to: "small.pth")
  // end

  // block
  try Checkpoint(stateDict).save(to: "old.pth", as: .pytorchLegacy)
  for loss in try training.losses(savingTo: "training.npz") {
    print(loss.path, loss.reason)
  }
  // end
}

private func writeDataset() throws {
  // block
  let labels = try Tensor([7, 2, 1, 0, 4] as [Int64])
  try Checkpoint(labels).save(to: "labels.pth")
  // end
}
