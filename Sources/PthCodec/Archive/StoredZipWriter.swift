// Zip archives of stored entries at the speed of the disk. libzip asks for
// 8 KiB at a time and sums them with zlib, which takes half as long again as
// `cp`; and it pulls, so that bytes that are computed would have to be kept.
package import Tensors

/// Writes a zip archive whose entries' bytes are pushed, none compressed.
///
/// Sizes and sums stand in the entries' own headers, for readers that go from
/// front to back; dates are 1980-01-01. Zip64 is used where a number needs it.
package final class StoredZipWriter {
  private let sink: any PatchableSink
  private let directory = ByteBuilder()
  private var count = 0

  private static let limit = Int(UInt32.max)
  private static let pieceSize = 1 << 20
  private static let date: UInt16 = 0x21

  /// Starts an archive.
  ///
  /// - Parameter sink: Where it goes; it must be empty. Sums are filled in
  ///   later, so a pipe will not do.
  package init(to sink: any PatchableSink) { self.sink = sink }

  /// At most as many bytes as an archive of these entries takes.
  ///
  /// - Parameter entries: Their names and sizes.
  /// - Returns: A number of bytes.
  package static func greatestSize(
    of entries: [(name: String, size: Int)]
  ) -> Int {
    entries.reduce(EndRecords.size) { sum, entry in
      let heads =
        Zip.localHeaderSize + Zip.centralHeaderSize + 20 + 28
        + 2 * entry.name.utf8.count
      return sum.addingReportingOverflow(heads).partialValue
        .addingReportingOverflow(entry.size).partialValue
    }
  }

  /// Writes an entry.
  ///
  /// - Parameters:
  ///   - name: Its name, with `/` between folders.
  ///   - size: The bytes that will come.
  ///   - produce: Gives them to its argument, in pieces.
  /// - Throws: ``FileError``, ``ArchiveWriteError``, and what `produce` throws.
  package func add(
    _ name: String,
    size: Int,
    _ produce: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    guard let nameLength = UInt16(exactly: name.utf8.count) else {
      throw ArchiveWriteError.nameTooLong(record: name)
    }
    let start = sink.position
    let isLarge = size >= Self.limit
    let head = ByteBuilder()
    head.append(littleEndian: Zip.localSignature)
    appendCommon(name, nameLength, size: size, isFar: false, to: head)
    head.append(littleEndian: UInt16(isLarge ? 20 : 0))
    head.append(name)
    if isLarge { appendZip64(size: size, offset: nil, to: head) }
    try unsafe sink.write(head.bytes)

    var crc: UInt32 = 0
    var written = 0
    try unsafe produce { bytes in
      guard bytes.count <= size - written else {
        throw wrongSize(name, size, written + bytes.count)
      }
      written += bytes.count
      try unsafe append(bytes, &crc)
    }
    guard written == size else { throw wrongSize(name, size, written) }
    try unsafe withUnsafeBytes(of: crc.littleEndian) {
      // Behind the signature, version, flags, method, time and date.
      try unsafe sink.overwrite(at: start + 14, $0)
    }
    appendEntry(name, nameLength, size: size, crc: crc, offset: start)
    count += 1
  }

  private func append(
    _ bytes: UnsafeRawBufferPointer,
    _ crc: inout UInt32
  ) throws {
    var offset = 0
    while offset < bytes.count {
      let end = min(bytes.count, offset + Self.pieceSize)
      let piece = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
      crc = unsafe CRC32.checksum(piece, after: crc)
      try unsafe sink.write(piece)
      offset = end
    }
  }

  private func wrongSize(
    _ name: String,
    _ announced: Int,
    _ written: Int
  ) -> ArchiveWriteError {
    .wrongSize(record: name, announced: announced, written: written)
  }

  private func appendEntry(
    _ name: String,
    _ nameLength: UInt16,
    size: Int,
    crc: UInt32,
    offset: Int
  ) {
    let isFar = offset >= Self.limit
    let extra = (size >= Self.limit ? 16 : 0) + (isFar ? 8 : 0)
    directory.append(littleEndian: Zip.centralSignature)
    directory.append(littleEndian: UInt16(45))  // made by: nobody's system
    appendCommon(
      name,
      nameLength,
      size: size,
      crc: crc,
      isFar: isFar,
      to: directory
    )
    directory.append(littleEndian: UInt16(extra == 0 ? 0 : 4 + extra))
    // No comment, first volume, no attributes.
    directory.append(littleEndian: UInt64(0))
    directory.append(littleEndian: UInt16(0))
    directory.append(littleEndian: UInt32(clamping: offset))
    directory.append(name)
    if extra > 0 {
      appendZip64(
        size: size >= Self.limit ? size : nil,
        offset: isFar ? offset : nil,
        to: directory
      )
    }
  }

  /// What both headers of an entry have, from the version to the name's size.
  private func appendCommon(
    _ name: String,
    _ nameLength: UInt16,
    size: Int,
    crc: UInt32 = 0,
    isFar: Bool,
    to bytes: ByteBuilder
  ) {
    let needsZip64 = isFar || size >= Self.limit
    bytes.append(littleEndian: UInt16(needsZip64 ? 45 : 20))
    let isPlain = name.utf8.allSatisfy { $0 < 0x80 }
    bytes.append(littleEndian: UInt16(isPlain ? 0 : 0x0800))
    bytes.append(littleEndian: UInt16(0))  // stored
    bytes.append(littleEndian: UInt16(0))  // midnight
    bytes.append(littleEndian: Self.date)
    bytes.append(littleEndian: crc)
    bytes.append(littleEndian: UInt32(clamping: size))
    bytes.append(littleEndian: UInt32(clamping: size))
    bytes.append(littleEndian: nameLength)
  }

  private func appendZip64(
    size: Int?,
    offset: Int?,
    to bytes: ByteBuilder
  ) {
    bytes.append(littleEndian: UInt16(1))
    bytes.append(
      littleEndian: UInt16((size == nil ? 0 : 16) + (offset == nil ? 0 : 8))
    )
    if let size {
      bytes.append(littleEndian: UInt64(size))
      bytes.append(littleEndian: UInt64(size))
    }
    if let offset { bytes.append(littleEndian: UInt64(offset)) }
  }

  /// Writes the directory and the end records.
  ///
  /// - Throws: ``FileError``.
  package func finish() throws {
    let start = sink.position
    try unsafe sink.write(directory.bytes)
    let end = EndRecords.bytes(
      recordCount: count,
      directoryStart: start,
      directorySize: directory.count
    )
    let needsZip64 =
      count >= Int(UInt16.max) || start >= Self.limit
      || directory.count >= Self.limit
    try sink.write(needsZip64 ? end : Array(end.suffix(Zip.endSize)))
  }
}
