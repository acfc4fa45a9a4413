#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file operation that the system refused.
public struct FileError: Error, Sendable, Hashable {
  /// What was being done when the system refused.
  public enum Operation: String, Sendable, Hashable {
    /// Opening a file to read it.
    case open
    /// Reading bytes.
    case read
    /// Mapping a file into memory.
    case map
    /// Making a file or a folder.
    case create
    /// Writing bytes.
    case write
    /// Putting a finished file in its place.
    case replace
  }

  /// What was being done.
  public var operation: Operation

  /// The file's path, as it was given.
  public var path: String

  /// The system's error number.
  public var code: Int32

  /// What is wrong, where the error number alone does not say it.
  public var detail: String?

  /// Makes an error of an operation, a path and an error number.
  public init(
    _ operation: Operation,
    path: String,
    code: Int32,
    detail: String? = nil
  ) {
    self.operation = operation
    self.path = path
    self.code = code
    self.detail = detail
  }

  /// Whether the file is not there.
  public var isMissing: Bool { code == ENOENT || code == ENOTDIR }

  /// The system's words for an error number.
  public static func text(ofCode code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) }
      ?? "error \(code)"
  }
}

extension FileError: CustomStringConvertible {
  public var description: String {
    let verb =
      switch operation {
      case .open: "can't be opened"
      case .read: "can't be read"
      case .map: "can't be mapped into memory"
      case .create: "can't be made"
      case .write: "can't be written"
      case .replace: "can't be replaced"
      }
    return "\(path): \(verb): \(detail ?? Self.text(ofCode: code))"
  }
}

extension FileError {
  /// Whether a file was expected and a folder is there.
  public var isFolder: Bool { code == EISDIR }
}
