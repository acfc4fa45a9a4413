import ConvNet
import PthCodec

/// The blocks of "Load a dataset".
func loadADataset() throws {
  // block
  let images = try Checkpoint.open("data/test_data.pth").tensor("data")
  let labels = try Checkpoint.open("data/test_labels.pth").tensor("data")
  print(images.dtype, images.shape)  // float32 [2000, 1, 28, 28]
  print(labels.dtype, labels.shape)  // int64 [2000]
  // end

  // block
  let digits = try labels.elements(as: Int64.self)
  print(digits.prefix(5))
  // end

  // block
  let mnist = try Checkpoint.open("t10k-images-idx3-ubyte.gz")
  try DatasetConversion.scaled(mnist).save(to: "data/test_data.pth")
  // end

  // block
  let dataset = try Dataset(
    images: images,
    labels: labels,
    imagesName: "test_data.pth",
    labelsName: "test_labels.pth"
  )
  let file = try Checkpoint.open("hw7_21307303_liuzhuoyi.pth")
  let model = try MyConvNet(file.stateDict)
  let evaluation = try Evaluator(model).evaluate(dataset)
  print(evaluation.argmaxAccuracy)
  // end
}
