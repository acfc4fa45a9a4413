// A PyTorch archive opened for reading: its root folder, its records by name,
// and their bytes without a copy.
internal import Synchronization
package import Tensors

/// A zip archive as PyTorch lays it out: every record in one root folder.
///
/// Names are those inside the root: `data.pkl`, `data/0`. One reader may be
/// used from many threads at once.
package final class ArchiveReader: Sendable {
  /// The archive's directory; its names begin with the root.
  package var directory: ZipDirectory { content.directory }

  /// The folder that holds every record.
  package let root: String

  private let names: ZipNameIndex
  private let rootLength: Int
  private let content: ZipContent

  /// The record that was found last.
  private let latest = Atomic<Int>(-1)

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
  package convenience init(
    _ bytes: ArchiveBytes,
    limits: ArchiveLimits = ArchiveLimits()
  ) throws(ArchiveError) {
    try self.init(ZipDirectory(bytes), limits: limits)
  }

  /// Opens an archive whose directory has been read.
  ///
  /// - Throws: As ``init(_:limits:)`` of a mapped file does.
  init(
    _ directory: ZipDirectory,
    limits: ArchiveLimits
  ) throws(ArchiveError) {
    let root = try directory.singleRoot()
    self.root = directory.text(in: root)
    rootLength = root.count
    names = ZipNameIndex(
      directory,
      prefixLength: root.count + 1,
      ignoringCase: true
    )
    content = ZipContent(directory, limits: limits)
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
  package func index(of name: String) -> Int? { index(of: .text(name)) }

  /// The position in the directory of the record with this name.
  func index(of name: RecordName) -> Int? {
    // PyTorch writes records in the order in which the pickle names them.
    let next = latest.load(ordering: .relaxed) &+ 1
    let index = names.isName(name, ofRecordAt: next) ? next : names[name.text]
    if let index { latest.store(index, ordering: .relaxed) }
    return index
  }

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
    try storage(at: existingIndex(of: .text(name)), checkingSum: checkingSum)
  }

  /// The bytes of a record, of which only what the directory says is checked
  /// now, and the local header when they are asked for.
  ///
  /// An archive of many records is opened without a look at each of them. A
  /// record that is deflated, or not in a mapped file, is not put off.
  ///
  /// - Throws: As ``storage(forRecord:checkingSum:)`` does; reading the storage
  ///   throws what the local header may have wrong.
  func deferredStorage(
    forRecord name: RecordName
  ) throws(ArchiveError) -> Storage {
    let index = try existingIndex(of: name)
    let record = directory.records[index]
    guard record.isStored, let file = directory.bytes.mappedFile else {
      return try storage(at: index)
    }
    try directory.checkEntry(of: record)
    return Storage(
      mapping: file,
      byteCount: record.uncompressedSize,
      locator: self,
      number: index
    )
  }

  private func existingIndex(
    of name: RecordName
  ) throws(ArchiveError) -> Int {
    if let index = index(of: name) { return index }
    throw ArchiveError(
      .missingRecord,
      file: path,
      record: name.text,
      "the archive has no such record",
      hint: "the file is damaged or was written by another program"
    )
  }

  /// The bytes of the record at a position in the directory.
  ///
  /// - Throws: As ``storage(forRecord:checkingSum:)`` does.
  package func storage(
    at index: Int,
    checkingSum: Bool = false
  ) throws(ArchiveError) -> Storage {
    try content.storage(at: index, checkingSum: checkingSum)
  }
}

extension ArchiveReader: StorageLocator {
  /// Where the record at a position in the directory lies in the file.
  ///
  /// - Throws: ``ArchiveError`` where its local header does not agree.
  package func range(of index: Int) throws -> Range<Int> {
    let range = try directory.readableRange(of: directory.records[index])
    let start = directory.fileOffset(range.lowerBound)
    return start..<start + range.count
  }
}
