// The entries of a central directory, one after the other.

/// Reads the entries of a central directory whose place is known.
struct DirectoryParser {
  let view: ByteView
  let bytes: ArchiveBytes
  let end: ZipEndRecord

  /// All records, in order.
  ///
  /// - Throws: ``ArchiveError`` where an entry can't be read, or where the
  ///   directory's length and its number of records do not agree.
  func records() throws(ArchiveError) -> [ZipRecord] {
    var records: [ZipRecord] = []
    records.reserveCapacity(end.recordCount)
    var offset = end.directoryRange.lowerBound
    for index in 0..<end.recordCount {
      let record = try record(at: offset, index: index)
      offset = record.entryRange.upperBound
      records.append(record)
    }
    guard offset == end.directoryRange.upperBound else {
      throw bad(
        offset,
        "the central directory's \(end.recordCount) records take "
          + "\(offset - end.directoryRange.lowerBound) bytes, not the "
          + "\(end.directoryRange.count) that the end record says"
      )
    }
    return records
  }

  @inline(__always)
  private func record(
    at offset: Int,
    index: Int
  ) throws(ArchiveError) -> ZipRecord {
    guard
      offset <= end.directoryRange.upperBound - Zip.centralHeaderSize,
      view.u32(offset) == Zip.centralSignature,
      let versionMadeBy = view.u16(offset + 4),
      let versionNeeded = view.u16(offset + 6),
      let flags = view.u16(offset + 8),
      let method = view.u16(offset + 10),
      let dosTime = view.u32(offset + 12),
      let crc32 = view.u32(offset + 16),
      let compressed = view.u32(offset + 20),
      let uncompressed = view.u32(offset + 24),
      let nameLength = view.u16(offset + 28),
      let extraLength = view.u16(offset + 30),
      let commentLength = view.u16(offset + 32),
      let disk = view.u16(offset + 34),
      let header = view.u32(offset + 42)
    else {
      throw bad(
        offset,
        "entry \(index) of \(end.recordCount) in the central directory is "
          + "not one"
      )
    }
    let nameOffset = offset + Zip.centralHeaderSize
    let extraOffset = nameOffset + Int(nameLength)
    let entryEnd = extraOffset + Int(extraLength) + Int(commentLength)
    guard entryEnd <= end.directoryRange.upperBound else {
      throw bad(
        offset,
        "entry \(index) reaches beyond the end of the central directory"
      )
    }
    var sizes = (
      compressed: Int(compressed), uncompressed: Int(uncompressed),
      header: Int(header)
    )
    if compressed == .max || uncompressed == .max || header == .max {
      sizes = try zip64Sizes(
        extraOffset..<extraOffset + Int(extraLength),
        of: offset,
        sizes
      )
    }
    let (position, overflow) = sizes.header.addingReportingOverflow(
      end.prependedBytes
    )
    guard !overflow, disk == 0 || disk == 0xFFFF else {
      throw bad(offset, "entry \(index) lies on another volume")
    }
    return ZipRecord(
      method: method,
      flags: flags,
      versionMadeBy: versionMadeBy,
      versionNeeded: versionNeeded,
      crc32: crc32,
      dosTime: dosTime,
      compressedSize: sizes.compressed,
      uncompressedSize: sizes.uncompressed,
      headerOffset: position,
      nameOffset: nameOffset,
      nameLength: Int(nameLength),
      extraLength: Int(extraLength),
      commentLength: Int(commentLength)
    )
  }

  /// The numbers that did not fit into 32 bits, from the zip64 extra field.
  private func zip64Sizes(
    _ extra: Range<Int>,
    of entry: Int,
    _ short: (compressed: Int, uncompressed: Int, header: Int)
  ) throws(ArchiveError) -> (compressed: Int, uncompressed: Int, header: Int) {
    let saturated = Int(UInt32.max)
    guard let field = view.extraField(1, in: extra) else {
      throw bad(
        entry,
        "an entry's sizes are beyond 32 bits, but it has no zip64 field"
      )
    }
    var sizes = short
    var offset = field.lowerBound
    func next() throws(ArchiveError) -> Int {
      guard
        offset + 8 <= field.upperBound,
        let value = view.position(offset)
      else { throw bad(entry, "an entry's zip64 field is cut short") }
      offset += 8
      return value
    }
    if short.uncompressed == saturated { sizes.uncompressed = try next() }
    if short.compressed == saturated { sizes.compressed = try next() }
    if short.header == saturated { sizes.header = try next() }
    return sizes
  }

  private func bad(_ offset: Int, _ message: String) -> ArchiveError {
    ArchiveError(
      .badDirectory,
      file: bytes.path,
      offset: bytes.fileOffset + offset,
      message,
      hint: "the file is damaged; `pth salvage` keeps what is whole"
    )
  }
}

extension ByteView {
  /// Where the content of the first extra field with `identifier` lies.
  func extraField(_ identifier: UInt16, in extra: Range<Int>) -> Range<Int>? {
    var offset = extra.lowerBound
    while offset + 4 <= extra.upperBound,
      let found = u16(offset),
      let length = u16(offset + 2)
    {
      let content = offset + 4..<offset + 4 + Int(length)
      guard content.upperBound <= extra.upperBound else { return nil }
      if found == identifier { return content }
      offset = content.upperBound
    }
    return nil
  }
}
