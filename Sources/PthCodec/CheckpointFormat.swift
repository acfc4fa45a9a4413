/// A file format: adding one is one file with a conforming type, and one line
/// in ``FormatRegistry``.
public protocol CheckpointFormat: Sendable {
  /// The format's names, suffixes and abilities.
  var descriptor: FormatDescriptor { get }

  /// Whether the input's content looks like this format.
  ///
  /// - Parameter input: A file or a folder.
  /// - Returns: True where ``read(_:options:)`` is the reader to ask; it may
  ///   still find the file damaged.
  func recognizes(_ input: CheckpointInput) -> Bool

  /// Reads an input.
  ///
  /// - Parameters:
  ///   - input: A file or a folder.
  ///   - options: Limits and wishes.
  /// - Returns: Everything in it; tensors lie in the mapped file where they
  ///   can.
  /// - Throws: ``CheckpointError`` or `FileError`.
  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint

  /// What writing would lose.
  ///
  /// - Parameters:
  ///   - checkpoint: What would be written.
  ///   - options: How it would be written.
  /// - Returns: One entry for each tensor or value that can't be kept.
  func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss]

  /// Writes a checkpoint, all or nothing.
  ///
  /// The caller has asked for ``losses(writing:options:)`` before.
  ///
  /// - Parameters:
  ///   - checkpoint: What to write.
  ///   - path: The file or folder.
  ///   - options: How to write it.
  /// - Throws: ``CheckpointError`` or `FileError`; the old file is untouched.
  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws
}

extension CheckpointFormat {
  public func recognizes(_ input: CheckpointInput) -> Bool { false }

  public func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    throw CheckpointError(
      .unsupported,
      "\(descriptor.id.rawValue) files can't be read",
      file: input.path
    )
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] { [] }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    throw CheckpointError(
      .unsupported,
      "\(descriptor.id.rawValue) files can be read but not written",
      file: path,
      hint: "choose another format with --to"
    )
  }
}

/// A tensor or value that a target format can't hold.
public struct ConversionLoss: Sendable, Hashable {
  /// The tensor's name or the value's path.
  public let path: String

  /// What is lost, as a phrase: `no bfloat16 in npy`.
  public let reason: String

  /// Names a loss.
  ///
  /// - Parameters:
  ///   - path: The tensor's name or the value's path.
  ///   - reason: What is lost.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }
}
