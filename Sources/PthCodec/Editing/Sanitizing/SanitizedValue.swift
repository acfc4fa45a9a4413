internal import Pickle

/// A value that was rewritten so that `torch.load(weights_only=True)` takes
/// it.
public struct SanitizedValue: Sendable, Hashable {
  /// The value's path through the object; empty for the root.
  public let path: String
  /// What it was, such as `argparse.Namespace`.
  public let from: String
  /// What it is now, such as `dict`.
  public let to: String
}

extension Checkpoint {
  /// The checkpoint with plain values for everything that
  /// `torch.load(weights_only=True)` of torch 2.13 refuses.
  ///
  /// NumPy's scalars become numbers and its arrays tensors; objects become
  /// dicts of their attributes, whole modules their state dicts; enums,
  /// dates and paths become values and text. Tensors stay as they are. Write
  /// the result with pickle protocol 2.
  ///
  /// - Returns: The changed checkpoint, and every change in the object's
  ///   order.
  /// - Throws: ``CheckpointError`` with the key path for what has no plain
  ///   form.
  public func sanitized() throws -> (
    checkpoint: Checkpoint, changes: [SanitizedValue]
  ) {
    var changes: [SanitizedValue] = []
    let result = try edited { editor in
      var sanitizer = Sanitizer(editor)
      try sanitizer.run()
      editor = sanitizer.editor
      changes = sanitizer.changes
      return true
    }
    return (result, changes)
  }
}
