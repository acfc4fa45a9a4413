/// A checkpoint that can't be read, or can't be written as asked.
public struct CheckpointError: Error, Sendable, Hashable {
  /// What kind of trouble it is.
  public enum Code: String, Sendable, Hashable {
    /// The file is none of the known formats.
    case unknownFormat
    /// The file breaks its own format.
    case damaged
    /// The file is sound, but uses what this package does not know.
    case unsupported
    /// The file needs more memory or steps than the limits allow.
    case limit
    /// The target format can't hold all that the source has.
    case lossy
    /// The content is not what was asked for.
    case mismatch
  }

  /// The kind of trouble.
  public var code: Code

  /// What is wrong, and what was expected.
  public var message: String

  /// The file's path.
  public var file: String?

  /// The record inside the archive.
  public var record: String?

  /// The byte offset in the record, or in the file where there is no record.
  public var offset: Int?

  /// The path of the tensor or value inside the object.
  public var keyPath: String?

  /// What to do about it.
  public var hint: String?

  /// Makes an error.
  ///
  /// - Parameters:
  ///   - code: The kind of trouble.
  ///   - message: What is wrong, and what was expected.
  ///   - file: The file's path.
  ///   - record: The record inside the archive.
  ///   - offset: The byte offset in the record or file.
  ///   - keyPath: The path of the tensor or value.
  ///   - hint: What to do about it.
  public init(
    _ code: Code,
    _ message: String,
    file: String? = nil,
    record: String? = nil,
    offset: Int? = nil,
    keyPath: String? = nil,
    hint: String? = nil
  ) {
    self.code = code
    self.message = message
    self.file = file
    self.record = record
    self.offset = offset
    self.keyPath = keyPath
    self.hint = hint
  }
}

extension CheckpointError: CustomStringConvertible {
  /// `FILE: what, where; hint`.
  public var description: String {
    var text = file.map { $0 + ": " } ?? ""
    text += message
    if let keyPath { text += ", at \(keyPath.isEmpty ? "the root" : keyPath)" }
    if let record { text += ", in record \(record)" }
    if let offset { text += ", at byte \(offset)" }
    if let hint { text += "; \(hint)" }
    return text
  }
}

extension CheckpointError {
  /// This error with places filled in that it does not have yet.
  func located(
    file: String? = nil,
    record: String? = nil,
    keyPath: String? = nil
  ) -> CheckpointError {
    var copy = self
    copy.file = copy.file ?? file
    copy.record = copy.record ?? record
    copy.keyPath = copy.keyPath ?? keyPath
    return copy
  }
}
