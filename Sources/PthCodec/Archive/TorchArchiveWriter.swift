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
/// depend on it; its bytes may come in pieces. Nothing is gathered: each piece
/// is summed and written while it is in the processor's cache. Layout, as
/// measured from files of torch 1.13 and 2.13: flags 0x0808, CRC and sizes in a
/// descriptor after the bytes, every record's bytes on a multiple of 64.
package final class TorchArchiveWriter {
  private let sink: any ByteSink
  private let origin: Int
  private let root: String  // with its slash
  private let rootLength: Int
  private let directory = ByteBuilder()
  private let scratch = ByteBuilder()
  private var names: [String] = []
  private var knownNames: Set<String> = []
  private var sums = SerializationID.ChecksumFold()
  private var current: Record?

  private struct Record {
    let name: String
    let layout: RecordLayout
    let size: Int
    var written = 0
    var crc: UInt32 = 0
    var method: UInt16 = 0
    var uncompressedSize: Int
  }

  // Large enough for few system calls, small enough to stay in the cache.
  private static let pieceSize = 1 << 20

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
    names.reserveCapacity(expectedRecords)
    knownNames.reserveCapacity(expectedRecords)
    self.sink = sink
    self.root = root + "/"
    rootLength = root.utf8.count + 1
    origin = sink.position
  }

  /// Writes a record whose bytes are in memory.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package func add(
    _ name: String,
    _ bytes: UnsafeRawBufferPointer
  ) throws {
    try beginRecord(name, size: bytes.count)
    try unsafe append(bytes)
    try endRecord()
  }

  /// Writes a record whose bytes are in an array.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package func add(_ name: String, _ bytes: [UInt8]) throws {
    try unsafe bytes.withUnsafeBytes { try unsafe add(name, $0) }
  }

  /// Writes a storage as a record.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``; what the storage throws
  ///   where its bytes can't be had.
  package func add(_ name: String, _ storage: Storage) throws {
    // Piece by piece: a storage that is computed need not be in memory.
    try beginRecord(name, size: storage.byteCount)
    try unsafe storage.forEachPiece { try unsafe append($0) }
    try endRecord()
  }

  /// Writes a record that is compressed already, as another archive has it.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package func add(
    _ name: String,
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
  package func beginRecord(_ name: String, size: Int) throws {
    try begin(name, size: size, uncompressedSize: size, method: 0)
  }

  private func begin(
    _ name: String,
    size: Int,
    uncompressedSize: Int,
    method: UInt16
  ) throws {
    if current != nil { try endRecord() }
    let nameLength = rootLength + name.utf8.count
    guard let shortLength = UInt16(exactly: nameLength) else {
      throw ArchiveWriteError.nameTooLong(record: name)
    }
    guard knownNames.insert(name).inserted else {
      throw ArchiveWriteError.duplicateName(record: name)
    }
    let layout = RecordLayout(
      offset: sink.position - origin,
      nameLength: nameLength,
      size: size,
      uncompressedSize: uncompressedSize
    )
    scratch.removeAll()
    scratch.append(littleEndian: Zip.localSignature)
    appendVersionsAndFlags(layout, method, to: scratch)
    // CRC and sizes are in the descriptor and the directory.
    scratch.append(littleEndian: UInt64(0))
    scratch.append(littleEndian: UInt32(0))
    scratch.append(littleEndian: shortLength)
    scratch.append(littleEndian: UInt16(layout.localExtraSize))
    appendName(name, to: scratch)
    layout.appendLocalExtra(to: scratch)
    try unsafe sink.write(scratch.bytes)
    names.append(name)
    current = Record(
      name: name,
      layout: layout,
      size: size,
      method: method,
      uncompressedSize: uncompressedSize
    )
  }

  /// Writes the next bytes of the announced record.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError`` where they are more than
  ///   were announced.
  package func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard var record = current else {
      throw ArchiveWriteError.wrongSize(
        record: "",
        announced: 0,
        written: bytes.count
      )
    }
    guard bytes.count <= record.size - record.written else {
      throw ArchiveWriteError.wrongSize(
        record: record.name,
        announced: record.size,
        written: record.written + bytes.count
      )
    }
    if record.written == 0 { unsafe sums.addStart(of: bytes) }
    var offset = 0
    while offset < bytes.count {
      let count = min(bytes.count - offset, Self.pieceSize)
      let piece = unsafe UnsafeRawBufferPointer(
        rebasing: bytes[offset..<offset + count]
      )
      if record.method == 0 {
        record.crc = unsafe CRC32.checksum(piece, after: record.crc)
      }
      try unsafe sink.write(piece)
      offset += count
    }
    record.written += bytes.count
    current = record
  }

  /// Ends the record: writes its descriptor and notes its directory entry.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError`` where bytes are missing.
  package func endRecord() throws {
    guard let record = current else { return }
    current = nil
    guard record.written == record.size else {
      throw ArchiveWriteError.wrongSize(
        record: record.name,
        announced: record.size,
        written: record.written
      )
    }
    scratch.removeAll()
    record.layout.appendDescriptor(crc: record.crc, to: scratch)
    if record.layout.hasDescriptor { sums.add(record.crc) }
    try unsafe sink.write(scratch.bytes)
    appendDirectoryEntry(record)
  }

  private func appendDirectoryEntry(_ record: Record) {
    let layout = record.layout
    directory.append(littleEndian: Zip.centralSignature)
    directory.append(littleEndian: UInt16(0))  // made by
    appendVersionsAndFlags(layout, record.method, to: directory)
    directory.append(littleEndian: record.crc)
    directory.append(littleEndian: layout.shortSize)
    directory.append(littleEndian: layout.shortUncompressedSize)
    directory.append(
      littleEndian: UInt16(rootLength + record.name.utf8.count)
    )
    directory.append(littleEndian: UInt16(layout.centralExtraSize))
    // No comment, first volume, no attributes.
    directory.append(littleEndian: UInt64(0))
    directory.append(littleEndian: UInt16(0))
    directory.append(littleEndian: layout.shortOffset)
    appendName(record.name, to: directory)
    layout.appendCentralExtra(to: directory)
  }

  private func appendVersionsAndFlags(
    _ layout: RecordLayout,
    _ method: UInt16,
    to bytes: ByteBuilder
  ) {
    bytes.append(littleEndian: UInt16(method == 0 ? 0 : 20))
    // UTF-8 names; sizes follow in a descriptor, where there are any bytes.
    bytes.append(littleEndian: UInt16(layout.hasDescriptor ? 0x0808 : 0x0800))
    bytes.append(littleEndian: method)
    bytes.append(littleEndian: UInt32(0))  // no date
  }

  private func appendName(_ name: String, to bytes: ByteBuilder) {
    bytes.append(root)
    bytes.append(name)
  }

  /// The record that identifies what was written so far, as torch ≥ 2.1
  /// computes it: see ``SerializationID``.
  package func serializationID() throws -> String {
    try endRecord()
    return SerializationID.text(names: names, checksums: sums)
  }

  /// Writes the central directory and the end records.
  ///
  /// - Throws: ``FileError``, ``ArchiveWriteError``.
  package func finish() throws {
    try endRecord()
    let start = sink.position - origin
    try unsafe sink.write(directory.bytes)
    try sink.write(
      EndRecords.bytes(
        recordCount: names.count,
        directoryStart: start,
        directorySize: directory.count
      )
    )
  }
}
