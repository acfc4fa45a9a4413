// Which records a checkpoint consists of, in which order and under which root
// folder, for each generation of PyTorch.
package import Tensors

/// The record set of a generation of PyTorch.
public enum TorchLayout: String, Sendable, Hashable, CaseIterable {
  /// What torch 1.6 to 1.13 write: `data.pkl`, storages in the order of their
  /// keys as text, `version`.
  case torch1
  /// What torch 2 writes, as of 2.13: further small records, and storages in
  /// the order in which they were met.
  case torch2
}

/// One record of an archive that is to be written.
package struct ArchiveItem: Sendable {
  /// What a record consists of.
  package enum Content: Sendable {
    /// These bytes.
    case bytes([UInt8])
    /// A storage's bytes.
    case storage(Storage)
    /// The record of another archive, as it is there, compressed or not.
    case copy(of: Int, in: ArchiveReader)
    /// The identification of the records before it.
    case serializationID
  }

  /// The name inside the root folder.
  package var name: String

  /// The record's bytes.
  package var content: Content

  /// Makes a record of a name and its content.
  package init(_ name: String, _ content: Content) {
    self.name = name
    self.content = content
  }

  /// The name of the record that identifies the archive's content.
  package static let serializationIDName = ".data/serialization_id"
}

/// The records of an archive in order.
///
/// Those of storages that PyTorch calls by their numbers are no items: a
/// checkpoint has ten thousand of them.
package struct ArchiveRecords: Sendable {
  /// The records before the numbered storages.
  package let before: [ArchiveItem]

  /// The storages of the records `data/0`, `data/1` and so on.
  package let storages: [Storage]

  /// The records behind them.
  package let after: [ArchiveItem]

  /// The number of records.
  package var count: Int { before.count + storages.count + after.count }

  /// Makes a list of records.
  package init(
    before: [ArchiveItem],
    storages: [Storage],
    after: [ArchiveItem]
  ) {
    self.before = before
    self.storages = storages
    self.after = after
  }

  /// Calls `body` with each record's name and content, in order.
  ///
  /// - Throws: What `body` throws.
  @inline(__always)
  func forEach(
    _ body: (RecordName, ArchiveItem.Content) throws -> Void
  ) rethrows {
    for item in before { try body(.text(item.name), item.content) }
    for (number, storage) in storages.enumerated() {
      try body(.storage(number), .storage(storage))
    }
    for item in after { try body(.text(item.name), item.content) }
  }

  /// Makes a list of records that all have names.
  package init(_ items: [ArchiveItem]) {
    self.init(before: items, storages: [], after: [])
  }
}

extension TorchLayout {
  /// The records of a checkpoint.
  ///
  /// - Parameters:
  ///   - pickle: The content of `data.pkl`.
  ///   - storages: Keys and storages in the order in which the pickle meets
  ///     them first.
  ///   - others: Records that PyTorch does not know. They stand behind the
  ///     storages, whose places torch 2 computes.
  /// - Returns: All records in the order in which PyTorch writes them.
  package func items(
    pickle: [UInt8],
    storages: [(key: String, storage: Storage)],
    others: [ArchiveItem] = []
  ) -> [ArchiveItem] {
    items(
      pickle: .bytes(pickle),
      data: storages.map {
        ArchiveItem(RecordName.folder + $0.key, .storage($0.storage))
      },
      others: others
    )
  }

  /// The records of a checkpoint whose storages' keys are 0, 1, 2 and so on.
  ///
  /// - Parameters:
  ///   - pickle: The content of `data.pkl`, perhaps in pieces.
  ///   - storages: The storages in the order of their keys.
  /// - Returns: All records in the order in which PyTorch writes them.
  package func records(
    pickle: Storage,
    numbered storages: [Storage]
  ) -> ArchiveRecords {
    switch self {
    case .torch1:
      let data = storages.enumerated().map {
        ArchiveItem(RecordName.storage($0).text, .storage($1))
      }
      return ArchiveRecords(
        items(pickle: .storage(pickle), data: data, others: [])
      )
    case .torch2:
      return ArchiveRecords(
        before: itemsBeforeStorages(pickle: .storage(pickle)),
        storages: storages,
        after: itemsAfterStorages
      )
    }
  }

  private func items(
    pickle: ArchiveItem.Content,
    data: [ArchiveItem],
    others: [ArchiveItem]
  ) -> [ArchiveItem] {
    var storages = data
    if self == .torch1 {
      // Python sorts text by code points, which is the order of UTF-8 bytes.
      storages.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
    return itemsBeforeStorages(pickle: pickle) + storages + others
      + itemsAfterStorages
  }

  private func itemsBeforeStorages(
    pickle: ArchiveItem.Content
  ) -> [ArchiveItem] {
    let first = ArchiveItem(RecordName.pickle, pickle)
    return switch self {
    case .torch1: [first]
    case .torch2:
      [
        first,
        ArchiveItem(".format_version", .bytes(Array("1".utf8))),
        ArchiveItem(".storage_alignment", .bytes(Array("64".utf8))),
        ArchiveItem("byteorder", .bytes(Array("little".utf8))),
      ]
    }
  }

  private var itemsAfterStorages: [ArchiveItem] {
    let version = ArchiveItem("version", .bytes(Array("3\n".utf8)))
    return switch self {
    case .torch1: [version]
    case .torch2:
      [version, ArchiveItem(ArchiveItem.serializationIDName, .serializationID)]
    }
  }

  /// The root folder that PyTorch gives an archive saved under `path`.
  ///
  /// It is the file's name without its last extension. torch 2 writes
  /// `archive` where the path is not ASCII. PyTorch refuses a name that has
  /// nothing before its extension; here that is `archive` too.
  package func archiveRoot(forFileName path: String) -> String {
    let fallback = "archive"
    if self == .torch2, !path.utf8.allSatisfy({ $0 < 0x80 }) {
      return fallback
    }
    // A backslash parts folders for PyTorch on every system.
    let name = path.utf8.split(
      omittingEmptySubsequences: false,
      whereSeparator: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
    ).last
    guard let name else { return fallback }
    let base = name.lastIndex(of: UInt8(ascii: ".")).map { name[..<$0] }
    let root = String(Substring(base ?? name))
    return root.isEmpty ? fallback : root
  }
}

extension TorchArchiveWriter {
  /// Writes a whole archive.
  ///
  /// - Parameters:
  ///   - records: Its records in order.
  ///   - root: The folder that holds every record.
  ///   - sink: Where it goes.
  /// - Throws: ``FileError``, ``ArchiveWriteError``, ``ArchiveError``; what a
  ///   storage throws where its bytes can't be had.
  package static func write(
    _ records: ArchiveRecords,
    root: String,
    to sink: any ByteSink
  ) throws {
    var writer = TorchArchiveWriter(
      root: root,
      to: sink,
      expectedRecords: records.count
    )
    try records.forEach { try writer.add($0, $1) }
    try writer.finish()
  }

  /// Writes a whole archive of records that all have names.
  ///
  /// - Throws: As for ``ArchiveRecords``.
  package static func write(
    _ items: [ArchiveItem],
    root: String,
    to sink: any ByteSink
  ) throws {
    try write(ArchiveRecords(items), root: root, to: sink)
  }

  /// Writes one record.
  ///
  /// - Throws: As ``write(_:root:to:)`` does.
  mutating func add(
    _ name: RecordName,
    _ content: ArchiveItem.Content
  ) throws {
    switch content {
    case .bytes(let bytes): try add(name, bytes)
    case .storage(let storage): try add(name, storage)
    case .serializationID: try add(name, Array(serializationID().utf8))
    case .copy(let index, let reader):
      let record = reader.directory.records[index]
      guard record.isDeflated else {
        return try add(name, reader.storage(at: index))
      }
      let range = try reader.directory.readableRange(of: record)
      try unsafe reader.directory.bytes.withUnsafeBytes { all in
        try unsafe add(
          name,
          compressed: UnsafeRawBufferPointer(rebasing: all[range]),
          method: record.method,
          crc32: record.crc32,
          uncompressedSize: record.uncompressedSize
        )
      }
    }
  }

  /// The exact size of the archive that ``write(_:root:to:)`` would write.
  package static func size(of records: ArchiveRecords, root: String) -> Int {
    let rootLength = root.utf8.count + 1
    var offset = 0
    var directory = 0
    records.forEach { name, content in
      let size = content.sizes
      let layout = RecordLayout(
        offset: offset,
        nameLength: rootLength + name.count,
        size: size.stored,
        uncompressedSize: size.inflated
      )
      offset = layout.end
      directory += layout.directoryEntrySize
    }
    return offset + directory + EndRecords.size
  }
}

extension ArchiveItem.Content {
  /// The record's bytes in the file and when inflated.
  fileprivate var sizes: (stored: Int, inflated: Int) {
    switch self {
    case .bytes(let bytes): return (bytes.count, bytes.count)
    case .storage(let storage): return (storage.byteCount, storage.byteCount)
    case .serializationID: return (40, 40)
    case .copy(let index, let reader):
      let record = reader.directory.records[index]
      return (record.compressedSize, record.uncompressedSize)
    }
  }
}
