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
      throw Failure(Exit.badData, "\(path): " + reason(error, checkpoint, path))
    }
  }

  /// Why a checkpoint is no MyConvNet, and what to do about it.
  private static func reason(
    _ mismatch: StateDictMismatch,
    _ checkpoint: Checkpoint,
    _ path: String
  ) -> String {
    let first = "cnn.0.weight"
    let names = checkpoint.tensors.keys
    if let name = names.first(where: { $0.hasSuffix("." + first) }) {
      let part = name.dropLast(first.count + 1)
      return "the network lies under \(part); take it out with `pth convert "
        + "\(path) model.pth \(options(takingOut: part, of: checkpoint))`"
    }
    let all = MyConvNet().parameterDescriptions
    if mismatch.missingKeys.count == all.count {
      return "it holds no MyConvNet, whose keys begin with \(first); "
        + "`pth info` shows what it holds, and `pth convert \(path) "
        + "--suggest-map MyConvNet` proposes names"
    }
    return mismatch.description
  }

  /// The options of `pth convert` that leave a part's names without its own:
  /// a container is a key, what only begins a name is a prefix.
  private static func options(
    takingOut part: Substring,
    of checkpoint: Checkpoint
  ) -> String {
    let words = part.split(separator: ".", omittingEmptySubsequences: false)
    let depth =
      (1...words.count).last { depth in
        let key = words.prefix(depth).joined(separator: ".")
        return (try? checkpoint.part(key)) != nil
      } ?? 0
    var options: [String] = []
    if depth > 0 {
      options.append("--key " + words.prefix(depth).joined(separator: "."))
    }
    if depth < words.count {
      let prefix = words.dropFirst(depth).joined(separator: ".")
      options.append("--strip-prefix \(prefix).")
    }
    return options.joined(separator: " ")
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
    let checkpoint: Checkpoint
    do {
      checkpoint = try Checkpoint.open(path)
    } catch let error as FileError where error.isMissing {
      throw Failure(
        Exit.noInput,
        "\(error); the folder must hold train_data.pth, train_labels.pth, "
          + "test_data.pth and test_labels.pth"
      )
    }
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
    try checkpoint.checkRepeats()
    return tensor
  }
}
