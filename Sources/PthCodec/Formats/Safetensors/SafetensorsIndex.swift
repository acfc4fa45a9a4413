internal import OrderedCollections
internal import Tensors

/// A checkpoint in several safetensors files: the index says which tensor lies
/// in which.
///
/// Source: `model.safetensors.index.json` as Hugging Face's libraries write it.
enum SafetensorsIndex {
  /// What an index's name ends with.
  static let suffix = "safetensors.index.json"

  /// The usual name in a folder.
  static let usualName = "model." + suffix

  /// Whether an input is an index of safetensors, or a folder with one.
  static func recognizes(_ input: CheckpointInput) -> Bool {
    if input.file == nil {
      return (try? MappedFile.open(input.path + "/" + usualName)) != nil
    }
    return ShardIndex.recognizes(input, suffix: suffix)
  }

  /// Reads an index and the files that it names.
  ///
  /// - Throws: ``CheckpointError`` where index and files do not fit each other.
  static func read(_ input: CheckpointInput) throws -> Checkpoint {
    let path = input.file == nil ? input.path + "/" + usualName : input.path
    return try ShardIndex(input.file ?? MappedFile.open(path))
      .checkpoint(as: .safetensors, beside: path) {
        try SafetensorsFormat.read(MappedFile.open($0))
      }
  }
}
