// The bytes of an archive's records: views of the file, or inflated.
internal import Pickle
internal import Tensors

/// An archive's directory and what it takes to read its records.
struct ZipContent: Sendable {
  let directory: ZipDirectory
  let limits: ArchiveLimits
  private let inflater: ZipInflater

  init(_ directory: ZipDirectory, limits: ArchiveLimits) {
    self.directory = directory
    self.limits = limits
    inflater = ZipInflater(directory.bytes)
  }

  /// The bytes of the record at a position in the directory.
  ///
  /// A deflated record is inflated anew for each reading piece by piece, so
  /// that none of it stays in memory.
  ///
  /// - Parameters:
  ///   - index: The position.
  ///   - checkingSum: Whether to compare the CRC-32 now.
  ///   - skipped: How many of the record's first bytes are left out.
  /// - Returns: The record's bytes.
  /// - Throws: ``ArchiveError`` where the record is encrypted, out of bounds,
  ///   compressed by another method, or too large when inflated.
  func storage(
    at index: Int,
    checkingSum: Bool,
    after skipped: Int = 0
  ) throws(ArchiveError) -> Storage {
    let record = directory.records[index]
    let range = try directory.readableRange(of: record)
    guard record.isDeflated else {
      if checkingSum { try directory.checkSum(of: record, at: range) }
      let start = range.lowerBound + min(skipped, range.count)
      return try directory.storedBytes(of: record, at: start..<range.upperBound)
    }
    try limits.check(record, in: directory)
    let (inflater, directory) = (inflater, directory)
    let size = record.uncompressedSize - min(skipped, record.uncompressedSize)
    let inflated = unsafe Storage(byteCount: size) { body in
      try unsafe inflater.forEachPiece(
        index,
        of: directory,
        after: skipped,
        body
      )
    }
    if checkingSum {
      do {
        try unsafe inflated.forEachPiece { _ in }
      } catch let error as ArchiveError {
        throw error
      } catch {
        throw directory.fault(.badCompression, record, "\(error)")
      }
    }
    return inflated
  }
}

extension ZipDirectory {
  /// Where a record's bytes lie, for a record that can be read at all.
  func readableRange(
    of record: ZipRecord
  ) throws(ArchiveError) -> Range<Int> {
    try checkReadable(record)
    let range = try dataRange(of: record)
    guard record.isDeflated || range.count == record.uncompressedSize else {
      throw sizeFault(record, range.count)
    }
    return range
  }

  private func sizeFault(_ record: ZipRecord, _ size: Int) -> ArchiveError {
    fault(
      .badDirectory,
      record,
      offset: record.entryRange.lowerBound,
      "a stored record of \(record.uncompressedSize) bytes takes \(size) bytes"
    )
  }

  /// Checks of a stored record what can be checked without its local header.
  func checkEntry(of record: ZipRecord) throws(ArchiveError) {
    try checkReadable(record)
    guard record.compressedSize == record.uncompressedSize else {
      throw sizeFault(record, record.compressedSize)
    }
  }

  private func checkReadable(_ record: ZipRecord) throws(ArchiveError) {
    guard !record.isEncrypted else {
      throw fault(
        .encrypted,
        record,
        "the record is encrypted",
        hint: "unpack the archive with its password and save it again"
      )
    }
    guard record.isStored || record.isDeflated else {
      throw fault(
        .unknownMethod,
        record,
        "it is compressed by method \(record.method); only stored (0) and "
          + "deflated (8) records can be read",
        hint: "pack the archive again with one of the two"
      )
    }
  }

  /// A stored record's bytes as a storage.
  func storedBytes(
    of record: ZipRecord,
    at range: Range<Int>
  ) throws(ArchiveError) -> Storage {
    do {
      return try bytes.storage(range)
    } catch {
      throw fault(.outOfBounds, record, offset: range.lowerBound, "\(error)")
    }
  }

  /// Compares a stored record's CRC-32 with the directory's.
  func checkSum(
    of record: ZipRecord,
    at range: Range<Int>
  ) throws(ArchiveError) {
    let sum = unsafe bytes.withUnsafeBytes { all in
      unsafe CRC32.checksum(UnsafeRawBufferPointer(rebasing: all[range]))
    }
    guard sum == record.crc32 else {
      throw sumFault(record, found: sum, offset: range.lowerBound)
    }
  }

  func sumFault(
    _ record: ZipRecord,
    found: UInt32,
    offset: Int
  ) -> ArchiveError {
    fault(
      .badChecksum,
      record,
      offset: offset,
      "its bytes have the CRC-32 \(hex(found)), the central directory says "
        + hex(record.crc32),
      hint: "the bytes were changed after the file was written"
    )
  }
}

/// A CRC-32 as eight hexadecimal digits.
func hex(_ sum: UInt32) -> String { zeroPadded(sum, radix: 16, width: 8) }
