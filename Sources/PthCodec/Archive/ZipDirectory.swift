// A zip archive's central directory, read with every number checked. Opening
// costs a few nanoseconds a record: names stay in the file until asked for.
internal import Pickle
package import Tensors

/// One record as the central directory describes it.
///
/// Positions count from the start of the archive's bytes.
package struct ZipRecord: Sendable {
  /// Where the name lies.
  package var nameRange: Range<Int> { nameOffset..<nameOffset + nameLength }
  /// The method: 0 stored, 8 deflated.
  package let method: UInt16
  /// The general purpose flags.
  package let flags: UInt16
  /// The version made by, whose upper byte names the system.
  package let versionMadeBy: UInt16
  /// The version needed to extract.
  package let versionNeeded: UInt16
  /// The CRC-32 of the inflated bytes.
  package let crc32: UInt32
  /// The MS-DOS time (lower half) and date (upper half).
  package let dosTime: UInt32
  /// The bytes that the record takes in the file.
  package let compressedSize: Int
  /// The bytes of its content.
  package let uncompressedSize: Int
  /// Where its local header lies.
  package let headerOffset: Int

  let nameOffset: Int
  let nameLength: Int
  let extraLength: Int
  let commentLength: Int

  /// Whether the content lies in the file as it is.
  package var isStored: Bool { method == 0 }
  /// Whether the content is deflated.
  package var isDeflated: Bool { method == 8 }
  /// Whether the content is encrypted.
  package var isEncrypted: Bool { flags & 0x2041 != 0 }
  /// Whether sizes and CRC follow the content in a data descriptor.
  package var hasDescriptor: Bool { flags & 0x0008 != 0 }
  /// Where the entry in the central directory lies.
  package var entryRange: Range<Int> {
    nameOffset - Zip.centralHeaderSize..<nameOffset + nameLength + extraLength
      + commentLength
  }
}

/// Signatures and sizes of the zip format (PKWARE's APPNOTE, 4.3).
package enum Zip {
  static let localSignature: UInt32 = 0x0403_4b50
  static let descriptorSignature: UInt32 = 0x0807_4b50
  static let centralSignature: UInt32 = 0x0201_4b50
  static let endSignature: UInt32 = 0x0605_4b50
  static let end64Signature: UInt32 = 0x0606_4b50
  static let locatorSignature: UInt32 = 0x0706_4b50

  static let localHeaderSize = 30
  static let centralHeaderSize = 46
  static let endSize = 22
  static let end64Size = 56
  static let locatorSize = 20
  static let maximumComment = 0xFFFF

  /// Whether bytes begin as an archive does: with a record.
  package static func recognizes(_ head: [UInt8]) -> Bool {
    head.starts(with: [0x50, 0x4B, 0x03, 0x04])
  }
}

/// A zip archive's list of records.
package struct ZipDirectory: Sendable {
  /// The archive's bytes.
  package let bytes: ArchiveBytes

  /// The records in the directory's order.
  package let records: [ZipRecord]

  /// Where the directory and the end record lie.
  package let end: ZipEndRecord

  /// Reads the directory of the archive that is the whole of `file`.
  ///
  /// - Throws: ``ArchiveError`` where the bytes are not a whole zip archive.
  package init(_ file: MappedFile) throws(ArchiveError) {
    try self.init(ArchiveBytes(file))
  }

  /// Reads the directory of an archive.
  ///
  /// - Throws: ``ArchiveError`` where the bytes are not a whole zip archive.
  package init(_ bytes: ArchiveBytes) throws(ArchiveError) {
    let (end, records) = try bytes.withView {
      view throws(ArchiveError) -> (ZipEndRecord, [ZipRecord]) in
      let end = try ZipEndRecord(in: view, of: bytes)
      let parser = DirectoryParser(view: view, bytes: bytes, end: end)
      return (end, try parser.records())
    }
    self.bytes = bytes
    self.end = end
    self.records = records
  }

  /// A record's whole name; bytes that are not UTF-8 come as U+FFFD.
  package func name(of record: ZipRecord) -> String {
    unsafe withNameBytes(of: record) {
      unsafe String(decoding: $0, as: UTF8.self)
    }
  }

  /// Calls `body` with the bytes of a record's name.
  func withNameBytes<Result>(
    of record: ZipRecord,
    _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    unsafe bytes.withUnsafeBytes { all in
      unsafe body(UnsafeRawBufferPointer(rebasing: all[record.nameRange]))
    }
  }

  /// Whether a record has this name in the root folder or in none.
  func hasFile(named name: String) -> Bool {
    var name = name
    return name.withUTF8 { wanted in
      records.contains { record in
        guard record.nameLength >= wanted.count else { return false }
        let start = rootLength(of: record).map { $0 + 1 } ?? 0
        guard start + wanted.count == record.nameLength else { return false }
        return unsafe withNameBytes(of: record) { bytes in
          unsafe sameBytes(
            UnsafeRawBufferPointer(rebasing: bytes[start...]),
            UnsafeRawBufferPointer(wanted)
          )
        }
      }
    }
  }

  /// The archive's comment.
  package var comment: String {
    unsafe bytes.withUnsafeBytes { all in
      unsafe String(decoding: all[end.commentRange], as: UTF8.self)
    }
  }

  /// Where a record's bytes lie, after a look at its local header.
  ///
  /// - Throws: ``ArchiveError`` where the local header is not there, names
  ///   another record or method, or the bytes reach into the directory.
  package func dataRange(
    of record: ZipRecord
  ) throws(ArchiveError) -> Range<Int> {
    let header = try localHeader(of: record)
    guard
      let range = Range(
        start: header.dataOffset,
        count: record.compressedSize
      ),
      range.upperBound <= end.directoryRange.lowerBound
    else {
      throw fault(
        .outOfBounds,
        record,
        offset: header.dataOffset,
        "\(record.compressedSize) bytes do not fit before the central "
          + "directory at byte \(fileOffset(end.directoryRange.lowerBound))",
        hint: "the file is damaged; `pth salvage` keeps what is whole"
      )
    }
    return range
  }

  /// A position in the archive as a position in its file.
  func fileOffset(_ offset: Int) -> Int { bytes.fileOffset + offset }

  /// An error in one of the records.
  func fault(
    _ code: ArchiveError.Code,
    _ record: ZipRecord,
    offset: Int? = nil,
    _ message: String,
    hint: String? = nil
  ) -> ArchiveError {
    ArchiveError(
      code,
      file: bytes.path,
      record: name(of: record),
      offset: fileOffset(offset ?? record.headerOffset),
      message,
      hint: hint
    )
  }
}
