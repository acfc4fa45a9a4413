/// Something about a file that a person should know.
public struct Finding: Sendable, Hashable {
  /// How bad a finding is.
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// The file is damaged, or readers differ in what they take from it.
    case error
    /// The file can be read, but not by everyone or not as it should.
    case warning
    /// Worth knowing; the file is sound all the same.
    case note
  }

  /// How bad it is.
  public var severity: Severity

  /// The kind of trouble, in words joined by hyphens, such as `bad-checksum`.
  public var code: String

  /// The record inside the archive.
  public var record: String?

  /// The byte offset, in the record's content where that is a pickle, in the
  /// file otherwise.
  public var offset: Int?

  /// The path of the tensor or value inside the object.
  public var keyPath: String?

  /// What is wrong, and what was expected.
  public var message: String

  /// Makes a finding.
  ///
  /// - Parameters:
  ///   - severity: How bad it is.
  ///   - code: The kind of trouble.
  ///   - record: The record inside the archive.
  ///   - offset: The byte offset in the record's content or the file.
  ///   - keyPath: The path of the tensor or value.
  ///   - message: What is wrong, and what was expected.
  public init(
    _ severity: Severity,
    _ code: String,
    record: String? = nil,
    offset: Int? = nil,
    keyPath: String? = nil,
    _ message: String
  ) {
    self.severity = severity
    self.code = code
    self.record = record
    self.offset = offset
    self.keyPath = keyPath
    self.message = message
  }
}

extension Finding: CustomStringConvertible {
  /// `severity code record @offset: message, at keyPath`.
  public var description: String {
    var text = "\(severity.rawValue) \(code)"
    if let record { text += " \(record)" }
    if let offset { text += " @\(offset)" }
    text += ": " + message
    if let keyPath { text += ", at \(keyPath.isEmpty ? "the root" : keyPath)" }
    return text
  }
}

extension Finding {
  /// A fault of an archive as a finding.
  init(_ error: ArchiveError, severity: Severity = .error) {
    self.init(
      severity,
      error.code.rawValue,
      record: error.record,
      offset: error.offset,
      error.message
    )
  }

  /// A fault of a checkpoint as a finding.
  init(_ error: CheckpointError, severity: Severity = .error) {
    self.init(
      severity,
      error.code.rawValue,
      record: error.record,
      offset: error.offset,
      keyPath: error.keyPath,
      error.message
    )
  }
}
