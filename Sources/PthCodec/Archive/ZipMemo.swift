// A file's zip directory, which several formats look at before one reads it.
internal import Synchronization
internal import Tensors

/// Reads a file's zip directory at the first request and keeps it.
final class ZipMemo: Sendable {
  private let file: MappedFile?
  private let result = Mutex<Result<ZipDirectory, ArchiveError>?>(nil)

  /// - Parameter file: The file; nil for a folder, which is no archive.
  init(_ file: MappedFile?) { self.file = file }

  /// The directory.
  ///
  /// - Throws: ``ArchiveError`` where the file is not a whole zip archive.
  func directory() throws(ArchiveError) -> ZipDirectory {
    let found = result.withLock { result in
      let found = result ?? read()
      result = found
      return found
    }
    return try found.get()
  }

  private func read() -> Result<ZipDirectory, ArchiveError> {
    guard let file else {
      return .failure(
        ArchiveError(.notZip, file: "", "a folder is no archive")
      )
    }
    return Result { () throws(ArchiveError) in
      try ZipDirectory(ArchiveBytes(file))
    }
  }
}
