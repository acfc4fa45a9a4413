import ConvNet
import Foundation
import PthCodec
import Tensors

/// Says which digit an image of a dataset shows.
@main
enum ClassifyDigit {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst().map { $0 }
    guard (3...4).contains(arguments.count) else {
      fail("usage: ClassifyDigit CHECKPOINT IMAGES LABELS [INDEX]")
    }
    guard let index = Int(arguments.count == 4 ? arguments[3] : "0") else {
      fail("the index must be a number, not \(arguments[3])")
    }
    do {
      try classify(
        index,
        of: dataset(images: arguments[1], labels: arguments[2]),
        with: MyConvNet(Checkpoint.open(arguments[0]).stateDict)
      )
    } catch {
      fail("\(error)")
    }
  }

  /// Reads a dataset: the course's `.pth` files, or MNIST's own.
  static func dataset(images: String, labels: String) throws -> Dataset {
    try Dataset(
      images: bareTensor(images),
      labels: bareTensor(labels),
      imagesName: images,
      labelsName: labels
    )
  }

  static func bareTensor(_ path: String) throws -> Tensor {
    // Pixels of 0…255 become 0…1; a .pth dataset is so already.
    try DatasetConversion.scaled(Checkpoint.open(path))
      .tensor(Checkpoint.bareTensorName)
  }

  static func classify(
    _ index: Int,
    of dataset: Dataset,
    with model: MyConvNet
  ) throws {
    guard dataset.labels.indices.contains(index) else {
      fail("the dataset has \(dataset.count) images, no image \(index)")
    }
    // A view of one image: no pixel is copied.
    let all = dataset.images.layout
    let image = try Tensor(
      dtype: .float32,
      layout: Layout(
        shape: Array(all.shape.dropFirst()),
        strides: Array(all.strides.dropFirst()),
        offset: all.offset + index * all.strides[0]
      ),
      storage: dataset.images.storage
    )
    let probabilities = try Predictor(model).probabilities(of: image)
      .elements(as: Float.self)
    for (digit, probability) in probabilities.enumerated() {
      let bar = String(repeating: "█", count: Int(probability * 40))
      print(String(format: "%d %6.2f %% ", digit, probability * 100) + bar)
    }
    let best = probabilities.indices.max {
      probabilities[$0] < probabilities[$1]
    }
    let label = dataset.labels[index]
    print("image \(index) is a \(best ?? 0), its label \(label)")
  }

  static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("ClassifyDigit: \(message)\n".utf8))
    exit(1)
  }
}
