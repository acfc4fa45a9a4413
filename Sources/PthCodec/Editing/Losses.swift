internal import Tensors

extension Checkpoint {
  /// What a format would lose of the checkpoint.
  ///
  /// - Parameters:
  ///   - path: The file or folder; its suffix names the format.
  ///   - format: The format; nil takes the suffix's.
  ///   - options: How it would be written.
  /// - Returns: One entry for each tensor or value that can't be kept.
  /// - Throws: ``CheckpointError`` where the suffix says no format.
  public func losses(
    savingTo path: String,
    as format: FormatID? = nil,
    options: WriteOptions = WriteOptions()
  ) throws -> [ConversionLoss] {
    try FormatRegistry.writer(forPath: path, as: format)
      .losses(
        writing: needsUpdate ? updated() : self,
        options: options
      )
  }
}
