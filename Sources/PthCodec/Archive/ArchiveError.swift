// What is wrong with an archive, and where: thrown by everything in this
// folder that reads.

/// A zip archive that can't be read as it is.
public struct ArchiveError: Error, Sendable, Hashable {
  /// What kind of fault it is.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The file is empty.
    case emptyFile = "empty-file"
    /// The bytes are not those of a zip archive.
    case notZip = "not-a-zip"
    /// The file ends before its central directory.
    case truncated = "truncated"
    /// The end record, or its zip64 form, contradicts itself or the file.
    case badEndRecord = "bad-end-record"
    /// The archive is one volume of several.
    case multipleVolumes = "multiple-volumes"
    /// An entry of the central directory can't be read.
    case badDirectory = "bad-directory"
    /// A record's local header is not where the directory says, or differs.
    case badLocalHeader = "bad-local-header"
    /// A record's bytes are not inside the file.
    case outOfBounds = "record-out-of-bounds"
    /// Two records share bytes.
    case overlap = "overlapping-records"
    /// A record's name comes twice, or differs from another in case alone.
    case duplicateName = "duplicate-name"
    /// There is no folder that holds every record, as PyTorch wants it.
    case noSingleRoot = "no-single-root"
    /// A record is not there.
    case missingRecord = "missing-record"
    /// A record is encrypted.
    case encrypted = "encrypted"
    /// A record is compressed by a method other than deflate.
    case unknownMethod = "unknown-method"
    /// A record would inflate to more than the limits allow.
    case tooLarge = "inflates-too-large"
    /// A compressed record does not inflate to what the directory promises.
    case badCompression = "bad-compression"
    /// A record's bytes have another CRC-32 than the directory says.
    case badChecksum = "bad-checksum"
  }

  /// What kind of fault it is.
  public var code: Code

  /// The archive's path.
  public var file: String

  /// The record's name, where the fault is in one.
  public var record: String?

  /// The byte in the file at which the fault shows.
  public var offset: Int?

  /// What was found and what was expected.
  public var message: String

  /// What to do about it.
  public var hint: String?

  init(
    _ code: Code,
    file: String,
    record: String? = nil,
    offset: Int? = nil,
    _ message: String,
    hint: String? = nil
  ) {
    self.code = code
    self.file = file
    self.record = record
    self.offset = offset
    self.message = message
    self.hint = hint
  }
}

extension ArchiveError: CustomStringConvertible {
  public var description: String {
    var text = "\(file): "
    if let record { text += "record \(record): " }
    text += message
    if let offset { text += " (at byte \(offset))" }
    if let hint { text += "; \(hint)" }
    return text
  }
}
