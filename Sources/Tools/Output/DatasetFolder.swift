internal import ConvNet
internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// A checkpoint that holds MyConvNet's parameters.
enum ModelFile {
  /// Reads the model.
  ///
  /// - Throws: ``Failure`` with every key that does not fit.
  static func model(_ path: String) throws -> MyConvNet {
    let checkpoint = try Checkpoint.open(path)
    do {
      return try MyConvNet(checkpoint.stateDict)
    } catch {
      throw Failure(Exit.badData, "\(path): \(error)")
    }
  }
}

/// The folder of the course's four files.
struct DatasetFolder {
  /// Which half of the dataset.
  enum Part: String {
    case train
    case test
  }

  private let path: String

  init(_ path: String) {
    self.path = path
  }

  /// Reads the images and labels of one half.
  ///
  /// - Throws: `FileError` for a missing file, ``Failure`` for files that hold
  ///   no such dataset.
  func dataset(_ part: Part) throws -> Dataset {
    let images = "\(path)/\(part.rawValue)_data.pth"
    let labels = "\(path)/\(part.rawValue)_labels.pth"
    let imageTensor = try bareTensor(images)
    let labelTensor = try bareTensor(labels)
    do {
      return try Dataset(
        images: imageTensor,
        labels: labelTensor,
        imagesName: "\(images): the tensor",
        labelsName: "\(labels): the tensor"
      )
    } catch {
      throw Failure(Exit.badData, Self.message(error, images, labels))
    }
  }

  /// An error's words behind the file that it speaks of.
  private static func message(
    _ error: ConvNetError,
    _ images: String,
    _ labels: String
  ) -> String {
    switch error {
    case .shape, .unreadable: "\(error)"
    case .dtype(_, let expected, _):
      "\(error); `pth convert --dtype \(expected)` changes it"
    case .label: "\(labels): \(error)"
    case .notFinite: "\(images): \(error)"
    default: "\(images), \(labels): \(error)"
    }
  }

  private func bareTensor(_ path: String) throws -> Tensor {
    let checkpoint = try Checkpoint.open(path)
    guard
      checkpoint.tensors.count == 1,
      let tensor = checkpoint.tensors[Checkpoint.bareTensorName]
    else {
      throw Failure(
        Exit.badData,
        "\(path): it holds \(checkpoint.tensors.count) tensors, not one bare "
          + "tensor; `pth info` shows them"
      )
    }
    return tensor
  }
}
