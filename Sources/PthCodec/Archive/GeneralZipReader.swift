// Zip archives of any layout, such as NumPy's npz, opened for reading.
package import Tensors

/// A zip archive whose records lie in any folders or none.
///
/// One reader may be used from many threads at once.
package final class GeneralZipReader: Sendable {
  /// The archive's directory.
  package var directory: ZipDirectory { content.directory }

  private let content: ZipContent
  private let index: ZipNameIndex

  /// Opens the archive that is the whole of `file`.
  ///
  /// - Throws: ``ArchiveError`` where it is no zip archive, a name comes twice,
  ///   or records overlap.
  package convenience init(
    _ file: MappedFile,
    limits: ArchiveLimits = ArchiveLimits()
  ) throws(ArchiveError) {
    try self.init(ArchiveBytes(file), limits: limits)
  }

  /// Opens an archive.
  ///
  /// - Throws: As ``init(_:limits:)`` of a mapped file does.
  package init(
    _ bytes: ArchiveBytes,
    limits: ArchiveLimits = ArchiveLimits()
  ) throws(ArchiveError) {
    let directory = try ZipDirectory(bytes)
    index = ZipNameIndex(directory, ignoringCase: false)
    content = ZipContent(directory, limits: limits)
    if let pair = index.duplicates.first {
      throw directory.duplicateFault(pair.first, pair.second)
    }
    if let pair = directory.firstOverlap() {
      throw directory.overlapFault(pair.first, pair.second)
    }
  }

  /// The names of all records in the directory's order.
  package var names: [String] {
    directory.records.map { directory.name(of: $0) }
  }

  /// The position in the directory of the record with this name.
  package func index(of name: String) -> Int? { index[name] }

  /// The bytes of the record at a position in the directory: a view of the
  /// file, or inflated whenever they are read.
  ///
  /// - Parameters:
  ///   - index: The position.
  ///   - checkingSum: Whether to compare the CRC-32 with the directory's; an
  ///     inflated record's is always compared.
  ///   - skipped: How many of the record's first bytes are left out.
  /// - Returns: The record's bytes.
  /// - Throws: ``ArchiveError`` where the record is encrypted, out of bounds,
  ///   compressed by another method, or too large when inflated.
  package func storage(
    at index: Int,
    checkingSum: Bool = false,
    after skipped: Int = 0
  ) throws(ArchiveError) -> Storage {
    try content.storage(at: index, checkingSum: checkingSum, after: skipped)
  }
}
