// The central directory of an archive that is being written. Names are kept
// there alone: no text is stored or hashed a second time.

/// The entries of a central directory, record after record.
struct DirectoryBuilder {
  /// The entries as they stand in the file.
  let bytes: ByteBuilder

  /// The number of records.
  var count: Int { starts.count }

  private let root: [UInt8]  // with its slash
  private var starts: [Int] = []

  // The storages 0, 1, 2 and so on, until another comes, need no table.
  private var storageCount = 0
  private var tableHasStorages = false

  // A hash table of the names: 32 bits of the hash, then the record's number
  // counted from 1; 0 where there is none.
  private var slots: [UInt64]
  private var namesInTable = 0

  private static let crcOffset = 16

  /// - Parameters:
  ///   - root: The folder that holds every record.
  ///   - expectedRecords: About how many records will come.
  init(root: String, expectedRecords: Int) {
    self.root = Array(root.utf8) + [UInt8(ascii: "/")]
    let entrySize = Zip.centralHeaderSize + self.root.count + 16
    bytes = ByteBuilder(
      capacity: entrySize.multipliedReportingOverflow(by: expectedRecords)
        .partialValue
    )
    starts.reserveCapacity(expectedRecords)
    slots = Array(repeating: 0, count: 16)
  }

  /// The bytes that a record's name takes with the root folder.
  func nameLength(_ name: RecordName) -> Int { root.count + name.count }

  /// Adds the entry of a record whose checksum comes later.
  ///
  /// - Throws: ``ArchiveWriteError`` for a name that is too long or was there
  ///   before.
  mutating func add(
    _ name: RecordName,
    _ layout: RecordLayout,
    method: UInt16
  ) throws(ArchiveWriteError) {
    guard let nameLength = UInt16(exactly: layout.nameLength) else {
      throw .nameTooLong(record: name.text)
    }
    let start = bytes.count
    bytes.append(size: layout.directoryEntrySize) { entry in
      entry.put(littleEndian: Zip.centralSignature)
      entry.put(littleEndian: UInt16(0))  // made by
      layout.putVersionAndFlags(method: method, to: &entry)
      entry.put(littleEndian: UInt32(0))
      entry.put(littleEndian: layout.shortSize)
      entry.put(littleEndian: layout.shortUncompressedSize)
      entry.put(littleEndian: nameLength)
      entry.put(littleEndian: UInt16(truncatingIfNeeded: layout.zip64Size))
      // No comment, first volume, no attributes.
      entry.put(littleEndian: UInt64(0))
      entry.put(littleEndian: UInt16(0))
      entry.put(littleEndian: layout.shortOffset)
      unsafe root.withUnsafeBytes { unsafe entry.put($0) }
      unsafe name.forEachPiece { unsafe entry.put($0) }
      layout.putCentralExtra(to: &entry)
    }
    starts.append(start)
    guard isNew(name) else {
      starts.removeLast()
      bytes.removeAll(from: start)
      throw .duplicateName(record: name.text)
    }
  }

  /// Fills in the checksum of the record that was added last.
  func setLastChecksum(_ crc: UInt32) {
    guard let start = starts.last else { return }
    bytes.store(littleEndian: crc, at: start + Self.crcOffset)
  }

  /// The bytes of the last record's name, valid until the next change.
  var lastFullName: UnsafeRawBufferPointer {
    unsafe fullName(count - 1)
  }

  /// The name of the record that was added last.
  var lastName: String {
    unsafe String(decoding: name(count - 1), as: UTF8.self)
  }

  /// The names' hashes as ``SerializationID`` takes them.
  var serializationHashes: [UInt64] {
    starts.indices.map { unsafe SerializationID.hash(name($0)) }
  }

  private func fullName(_ index: Int) -> UnsafeRawBufferPointer {
    let all = unsafe bytes.bytes
    let head = starts[index] + Zip.centralHeaderSize
    let length = unsafe all.loadUnaligned(
      fromByteOffset: starts[index] + 28,
      as: UInt16.self
    )
    return unsafe UnsafeRawBufferPointer(
      rebasing: all[head..<head + Int(UInt16(littleEndian: length))]
    )
  }

  private func name(_ index: Int) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: fullName(index)[root.count...])
  }

  // MARK: The table of names

  /// Notes the last name.
  ///
  /// - Returns: False where another record has it.
  private mutating func isNew(_ name: RecordName) -> Bool {
    if case .storage(storageCount) = name, !tableHasStorages {
      storageCount += 1
      return true
    }
    if name.isInStorageFolder {
      if let number = name.storageNumber, 0..<storageCount ~= number {
        return false
      }
      tableHasStorages = true
    }
    return noteLastName()
  }

  /// Takes the last name into the table.
  ///
  /// - Returns: False where another record has that name.
  private mutating func noteLastName() -> Bool {
    if namesInTable * 2 >= slots.count { grow() }
    let name = unsafe self.name(count - 1)
    // Seeded: who chooses the names can't make them collide.
    var hasher = Hasher()
    unsafe hasher.combine(bytes: name)
    let tag = UInt64(UInt32(truncatingIfNeeded: hasher.finalize()))
    var slot = firstSlot(tag)
    while slots[slot] != 0 {
      if slots[slot] >> 32 == tag {
        let other = Int(slots[slot] & 0xFFFF_FFFF) - 1
        if unsafe self.name(other).elementsEqual(name) { return false }
      }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    slots[slot] = tag << 32 | UInt64(UInt32(truncatingIfNeeded: count))
    namesInTable += 1
    return true
  }

  private func firstSlot(_ tag: UInt64) -> Int {
    Int(truncatingIfNeeded: tag) & (slots.count &- 1)
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: 0, count: old.count * 2)
    for entry in old where entry != 0 {
      var slot = firstSlot(entry >> 32)
      while slots[slot] != 0 { slot = (slot &+ 1) & (slots.count &- 1) }
      slots[slot] = entry
    }
  }
}
