internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Small text files.
enum TextFile {
  /// Reads a whole file.
  ///
  /// - Throws: `FileError`; ``Failure`` for what is no text.
  static func read(_ path: String) throws -> String {
    let file = try MappedFile.open(path)
    let text = unsafe file.withUnsafeBytes {
      unsafe String(validating: $0, as: UTF8.self)
    }
    guard let text else {
      throw Failure(Exit.badData, "\(path): it is not text in UTF-8")
    }
    return text
  }

  /// Writes a whole file, all or nothing.
  static func write(_ text: String, to path: String) throws {
    let file = try AtomicFile(path)
    let bytes = Array(text.utf8)
    try unsafe bytes.withUnsafeBytes { try unsafe file.write($0) }
    try file.commit()
  }

  /// Adds text to the end of a file, which is made where it is missing.
  static func append(_ text: String, to path: String) throws(FileError) {
    guard let file = unsafe fopen(path, "a") else {
      throw FileError(.create, path: path, code: errno)
    }
    let isWritten = unsafe fputs(text, file) >= 0
    let code = errno
    guard unsafe fclose(file) == 0, isWritten else {
      throw FileError(.write, path: path, code: isWritten ? errno : code)
    }
  }
}
