internal import OrderedCollections
internal import Tensors

// What the formats of one array have in common.
extension Checkpoint {
  /// The one tensor of a checkpoint that goes into a format of one array.
  ///
  /// - Throws: ``CheckpointError`` for none and for several.
  func soleTensor(
    for format: FormatID
  ) throws(CheckpointError) -> (name: String, tensor: Tensor) {
    guard let (name, tensor) = tensors.elements.first, tensors.count == 1 else {
      throw CheckpointError(
        .mismatch,
        "\(format.rawValue) holds one tensor, the checkpoint has "
          + "\(tensors.count)",
        hint: tensors.isEmpty
          ? nil : "choose one with --include, or write npz or safetensors"
      )
    }
    return (name, tensor)
  }
}

extension LossReport {
  /// Everything but the elements of the one tensor.
  ///
  /// For none and for several there is nothing to list: they can't be written,
  /// as ``Checkpoint/soleTensor(for:)`` tells.
  static func ofSoleTensor(
    in checkpoint: Checkpoint,
    for format: FormatID
  ) -> [ConversionLoss] {
    guard checkpoint.tensors.count == 1 else { return [] }
    var report = LossReport(format)
    report.addAllButElements(of: checkpoint)
    return report.losses
  }
}
