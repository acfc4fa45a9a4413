// A PyTorch archive opened for reading: its root folder, its records by name,
// and their bytes without a copy.
package import Tensors

/// How much memory a compressed record may take.
public struct ArchiveLimits: Sendable, Hashable {
  /// The most bytes that one record may inflate to.
  public var maximumInflatedBytes: Int

  /// The most that a record may grow by inflating, as a factor; records of
  /// up to 16 MiB are not measured by it.
  public var maximumInflationRatio: Int

  static let alwaysAllowed = 16 << 20

  /// Makes limits; the defaults suit every file that PyTorch writes.
  public init(
    maximumInflatedBytes: Int = 1 << 36,
    maximumInflationRatio: Int = 900
  ) {
    self.maximumInflatedBytes = maximumInflatedBytes
    self.maximumInflationRatio = maximumInflationRatio
  }
}

/// A zip archive as PyTorch lays it out: every record in one root folder.
///
/// Names are those inside the root: `data.pkl`, `data/0`. One reader may be
/// used from many threads at once.
package final class ArchiveReader: Sendable {
  /// The archive's directory; its names begin with the root.
  package let directory: ZipDirectory

  /// The folder that holds every record.
  package let root: String

  /// How much memory a compressed record may take.
  package let limits: ArchiveLimits

  private let names: ZipNameIndex
  private let rootLength: Int
  private let inflater: ZipInflater

  /// Opens the archive that is the whole of `file`.
  ///
  /// - Throws: ``ArchiveError`` where it is no zip archive, where there is no
  ///   single root, where names come twice, or where records overlap.
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
    let root = try directory.singleRoot()
    self.directory = directory
    self.root = directory.text(in: root)
    self.limits = limits
    rootLength = root.count
    names = ZipNameIndex(directory, prefixLength: root.count + 1)
    inflater = ZipInflater(bytes)
    if let pair = names.duplicates.first {
      throw directory.duplicateFault(pair.first, pair.second)
    }
    if let pair = directory.firstOverlap() {
      throw directory.overlapFault(pair.first, pair.second)
    }
  }

  /// The archive's path.
  package var path: String { directory.bytes.path }

  /// The names of all records inside the root, in the directory's order.
  package var recordNames: [String] {
    directory.records.indices.map { name(at: $0) }.filter { !$0.isEmpty }
  }

  /// A record's name inside the root.
  package func name(at index: Int) -> String {
    let range = directory.records[index].nameRange
    let start = min(range.lowerBound + rootLength + 1, range.upperBound)
    return directory.text(in: start..<range.upperBound)
  }

  /// The position in the directory of the record with this name.
  package func index(of name: String) -> Int? { names[name] }

  /// Whether there is a record with this name.
  package func contains(_ name: String) -> Bool { names[name] != nil }

  /// A record's description, or nil where there is none of this name.
  package func record(_ name: String) -> ZipRecord? {
    names[name].map { directory.records[$0] }
  }

  /// The bytes of a record.
  ///
  /// A stored record is a view of the mapped file; a deflated one is inflated
  /// at the first use.
  ///
  /// - Parameters:
  ///   - name: The name inside the root.
  ///   - checkingSum: Whether to compare the CRC-32 with the directory's; an
  ///     inflated record's is always compared.
  /// - Returns: The record's bytes, inflated where they are deflated.
  /// - Throws: ``ArchiveError`` where the record is missing, encrypted, out of
  ///   bounds, compressed by another method, or too large when inflated.
  package func storage(
    forRecord name: String,
    checkingSum: Bool = false
  ) throws(ArchiveError) -> Storage {
    guard let index = names[name] else {
      throw ArchiveError(
        .missingRecord,
        file: path,
        record: name,
        "the archive has no such record",
        hint: "the file is damaged or was written by another program"
      )
    }
    return try storage(at: index, checkingSum: checkingSum)
  }

  /// The bytes of the record at a position in the directory.
  ///
  /// - Throws: As ``storage(forRecord:checkingSum:)`` does.
  package func storage(
    at index: Int,
    checkingSum: Bool = false
  ) throws(ArchiveError) -> Storage {
    let record = directory.records[index]
    let range = try directory.readableRange(of: record)
    guard record.isDeflated else {
      if checkingSum { try directory.checkSum(of: record, at: range) }
      return try directory.storedBytes(of: record, at: range)
    }
    try limits.check(record, in: directory)
    let (inflater, directory) = (inflater, directory)
    let inflated = Storage(byteCount: record.uncompressedSize) {
      try inflater.inflate(index, of: directory)
    }
    if checkingSum {
      do {
        _ = try unsafe inflated.unsafeBytes()
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
    let range = try dataRange(of: record)
    guard record.isDeflated || range.count == record.uncompressedSize else {
      throw fault(
        .badDirectory,
        record,
        offset: record.entryRange.lowerBound,
        "a stored record of \(record.uncompressedSize) bytes takes "
          + "\(range.count) bytes"
      )
    }
    return range
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

/// A 32-bit number as eight hexadecimal digits.
func hex(_ number: UInt32) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}

extension ArchiveLimits {
  /// Checks what a record claims to inflate to, before memory is reserved.
  func check(
    _ record: ZipRecord,
    in directory: ZipDirectory
  ) throws(ArchiveError) {
    let size = record.uncompressedSize
    let (most, overflow) = max(1, record.compressedSize)
      .multipliedReportingOverflow(by: maximumInflationRatio)
    let withinRatio = size <= Self.alwaysAllowed || overflow || size <= most
    guard withinRatio, size <= maximumInflatedBytes else {
      throw directory.fault(
        .tooLarge,
        record,
        "\(record.compressedSize) bytes claim to inflate to \(size), beyond "
          + "the limits of \(maximumInflatedBytes) bytes and "
          + "\(maximumInflationRatio) to 1",
        hint: "raise the limits if you trust the file"
      )
    }
  }
}
