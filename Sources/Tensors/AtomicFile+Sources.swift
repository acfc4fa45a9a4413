// Files that are being copied: one that changes meanwhile spoils the copy.

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension AtomicFile {
  @TaskLocal private static var sources: [MappedFile] = []

  /// Calls `body`, which writes what it reads from mapped files.
  ///
  /// A source that another process changes in place meanwhile may have given
  /// zeros instead of its bytes: ``commit()`` throws then.
  ///
  /// - Parameters:
  ///   - files: The files that are read.
  ///   - body: Makes, writes and commits atomic files.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  public static func reading<Result>(
    _ files: [MappedFile],
    _ body: () throws -> Result
  ) rethrows -> Result {
    try $sources.withValue(sources + files, operation: body)
  }

  /// Throws where a file that is being copied is not what it was.
  static func checkSources() throws(FileError) {
    if let file = sources.first(where: { !$0.isIntact }) {
      throw changed(file)
    }
  }

  /// The error of a file that was changed while it was read.
  static func changed(_ file: MappedFile) -> FileError {
    FileError(
      .read,
      path: file.path,
      code: EIO,
      detail: "changed while being read"
    )
  }
}
