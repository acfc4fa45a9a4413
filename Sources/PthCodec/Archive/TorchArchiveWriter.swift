// Writes zip archives in exactly PyTorch's layout, record after record, so
// that a file comes out byte for byte as `torch.save` writes it.
package import Tensors

/// A record that can't be written as it was announced.
package enum ArchiveWriteError: Error, Sendable, Hashable {
  /// A record got fewer or more bytes than it was announced with.
  case wrongSize(record: String, announced: Int, written: Int)
  /// A record's name with its root folder takes more than 65,535 bytes.
  case nameTooLong(record: String)
  /// A record of this name was written before.
  case duplicateName(record: String)
}

extension ArchiveWriteError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .wrongSize(let record, let announced, let written):
      "record \(record): \(written) bytes where \(announced) were announced"
    case .nameTooLong(let record):
      "record \(record.prefix(40))…: its name is longer than 65,535 bytes"
    case .duplicateName(let record):
      "record \(record): an archive can't hold two of this name"
    }
  }
}

/// Writes one archive as PyTorch's own writer does.
///
/// Every record is announced with its size, since padding and zip64 fields
/// depend on it; its bytes may come in pieces. Headers and small records are
/// gathered into few writes; a large record's pieces are written while another
/// core sums them. Layout, as measured from files of
/// torch 1.13 and 2.13: flags 0x0808, CRC and sizes in a descriptor after the
/// bytes, every record's bytes on a multiple of 64.
package struct TorchArchiveWriter: ~Copyable {
  private let sink: any ByteSink
  private var directory: DirectoryBuilder
  /// What the sink has yet to get.
  private let pending: ByteBuilder
  /// What it has got.
  private var written = 0
  private var sums = SerializationID.ChecksumFold()
  private var current: Record?

  private struct Record {
    let layout: RecordLayout
    let method: UInt16
    var written = 0
    var crc: UInt32 = 0
  }

  // Large enough to share with another core, small enough for the processor's
  // last cache.
  private static let pieceSize = 8 << 20
  // Where a copy costs less than a system call; and when they are written.
  private static let smallSize = 1 << 15
  private static let pendingSize = 1 << 18

  /// Starts an archive at the sink's position.
  ///
  /// - Parameters:
  ///   - root: The folder that holds every record.
  ///   - sink: Where the archive goes; it may hold other bytes already.
  ///   - expectedRecords: About how many records will come.
  package init(
    root: String,
    to sink: any ByteSink,
    expectedRecords: Int = 0
  ) {
    self.sink = sink
    pending = ByteBuilder(
      capacity: expectedRecords > 1 ? Self.pendingSize + 2 * Self.smallSize : 0
    )
    directory = DirectoryBuilder(root: root, expectedRecords: expectedRecords)
  }

  /// Where the next byte will stand in the archive.
  private var position: Int { written + pending.count }

  /// Writes a record whose bytes are in memory.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package mutating func add(
    _ name: RecordName,
    _ bytes: UnsafeRawBufferPointer
  ) throws {
    try beginRecord(name, size: bytes.count)
    try unsafe append(bytes)
    try endRecord()
  }

  /// Writes a record whose bytes are in an array.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package mutating func add(_ name: RecordName, _ bytes: [UInt8]) throws {
    try unsafe bytes.withUnsafeBytes { try unsafe add(name, $0) }
  }

  /// Writes a storage as a record.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``; what the storage throws
  ///   where its bytes can't be had.
  package mutating func add(_ name: RecordName, _ storage: Storage) throws {
    // Piece by piece: a storage that is computed need not be in memory.
    try beginRecord(name, size: storage.byteCount)
    try unsafe storage.forEachPiece { try unsafe append($0) }
    try endRecord()
  }

  /// Writes a record that is compressed already, as another archive has it.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package mutating func add(
    _ name: RecordName,
    compressed bytes: UnsafeRawBufferPointer,
    method: UInt16,
    crc32: UInt32,
    uncompressedSize: Int
  ) throws {
    try begin(
      name,
      size: bytes.count,
      uncompressedSize: uncompressedSize,
      method: method
    )
    try unsafe append(bytes)
    current?.crc = crc32
    try endRecord()
  }

  /// Announces a record and writes what comes before its bytes.
  ///
  /// - Parameters:
  ///   - name: The name inside the root.
  ///   - size: The bytes that will follow.
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package mutating func beginRecord(_ name: RecordName, size: Int) throws {
    try begin(name, size: size, uncompressedSize: size, method: 0)
  }

  private mutating func begin(
    _ name: RecordName,
    size: Int,
    uncompressedSize: Int,
    method: UInt16
  ) throws {
    if current != nil { try endRecord() }
    let layout = RecordLayout(
      offset: position,
      nameLength: directory.nameLength(name),
      size: size,
      uncompressedSize: uncompressedSize
    )
    try directory.add(name, layout, method: method)
    unsafe layout.appendLocalHeader(
      directory.lastFullName,
      method: method,
      to: pending
    )
    current = Record(layout: layout, method: method)
  }

  /// Writes the next bytes of the announced record.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError`` where they are more than
  ///   were announced.
  package mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard var record = current else {
      throw ArchiveWriteError.wrongSize(
        record: "",
        announced: 0,
        written: bytes.count
      )
    }
    guard bytes.count <= record.layout.size - record.written else {
      throw wrongSize(record, written: record.written + bytes.count)
    }
    if record.written == 0 { unsafe sums.addStart(of: bytes) }
    if bytes.count <= Self.smallSize {
      if record.method == 0 {
        record.crc = unsafe CRC32.checksum(bytes, after: record.crc)
      }
      unsafe pending.append(bytes)
      if pending.count >= Self.pendingSize { try flush() }
    } else {
      try flush()
      try unsafe appendPieces(bytes, &record)
    }
    record.written += bytes.count
    current = record
  }

  private mutating func appendPieces(
    _ bytes: UnsafeRawBufferPointer,
    _ record: inout Record
  ) throws {
    var offset = 0
    while offset < bytes.count {
      let count = min(bytes.count - offset, Self.pieceSize)
      let piece = unsafe UnsafeRawBufferPointer(
        rebasing: bytes[offset..<offset + count]
      )
      if record.method == 0 {
        record.crc = try unsafe CRC32.checksum(piece, after: record.crc) {
          () throws(FileError) in try unsafe sink.write(piece)
        }
      } else {
        try unsafe sink.write(piece)
      }
      written += count
      offset += count
    }
  }

  private mutating func flush() throws {
    try unsafe sink.write(pending.bytes)
    written += pending.count
    pending.removeAll()
  }

  private func wrongSize(
    _ record: Record,
    written: Int
  ) -> ArchiveWriteError {
    .wrongSize(
      record: directory.lastName,
      announced: record.layout.size,
      written: written
    )
  }

  /// Ends the record: writes its descriptor and notes its checksum.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError`` where bytes are missing.
  package mutating func endRecord() throws {
    guard let record = current else { return }
    current = nil
    guard record.written == record.layout.size else {
      throw wrongSize(record, written: record.written)
    }
    record.layout.appendDescriptor(crc: record.crc, to: pending)
    if record.layout.hasDescriptor { sums.add(record.crc) }
    directory.setLastChecksum(record.crc)
  }

  /// The record that identifies what was written so far, as torch ≥ 2.1
  /// computes it: see ``SerializationID``.
  package mutating func serializationID() throws -> String {
    try endRecord()
    return SerializationID.text(
      nameHashes: directory.serializationHashes,
      checksums: sums
    )
  }

  /// Writes the central directory and the end records.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package mutating func finish() throws {
    try endRecord()
    let start = position
    try flush()
    let entries = directory.bytes
    let end = EndRecords.bytes(
      recordCount: directory.count,
      directoryStart: start,
      directorySize: entries.count
    )
    unsafe end.withUnsafeBytes { unsafe entries.append($0) }
    try unsafe sink.write(entries.bytes)
  }
}
