// A record's three descriptions, in the directory, before its bytes and behind
// them: readers differ in which of them they believe.

extension ZipVerifier {
  /// Checks headers, flags, methods and descriptors.
  ///
  /// - Returns: The records whose bytes can be summed.
  mutating func checkRecords() -> [Int] {
    var readable: [Int] = []
    for (index, record) in directory.records.enumerated() {
      do throws(ArchiveError) {
        let header = try directory.localHeader(of: record)
        check(header, of: record)
        let range = try directory.readableRange(of: record)
        readable.append(index)
        checkDescriptor(of: record, after: range)
      } catch {
        add(error)
      }
    }
    return readable
  }

  private mutating func check(
    _ header: ZipLocalHeader,
    of record: ZipRecord
  ) {
    if header.flags != record.flags {
      add(
        .error,
        "flags-differ",
        record,
        "the local header has the flags \(header.flags), the central "
          + "directory \(record.flags)"
      )
    }
    guard let sizes = directory.bytes.withView({ header.sizes(in: $0) }) else {
      add(
        .error,
        "sizes-differ",
        record,
        "the local header has no zip64 field for its sizes"
      )
      return
    }
    // Before a descriptor, what is not known yet is 0. PyTorch gives the size
    // of large records all the same.
    let isOpen = header.flags & 8 != 0
    func differs(_ local: Int, _ central: Int) -> Bool {
      local != central && !(isOpen && local == 0)
    }
    if differs(sizes.compressed, record.compressedSize)
      || differs(sizes.uncompressed, record.uncompressedSize)
    {
      add(
        .error,
        "sizes-differ",
        record,
        "the local header says \(sizes.compressed) bytes for "
          + "\(sizes.uncompressed), the central directory "
          + "\(record.compressedSize) for \(record.uncompressedSize)"
      )
    }
    if differs(Int(header.crc32), Int(record.crc32)) {
      add(
        .error,
        "sums-differ",
        record,
        "the local header has the CRC-32 \(hex(header.crc32)), the central "
          + "directory \(hex(record.crc32))"
      )
    }
  }

  /// The descriptor behind a record's bytes: whether it says what the
  /// directory does, and where it ends.
  func descriptor(
    of record: ZipRecord,
    after range: Range<Int>
  ) -> (agrees: Bool, end: Int)? {
    guard record.hasDescriptor else { return nil }
    return directory.bytes.withView { view in
      let marked = view.u32(range.upperBound) == Zip.descriptorSignature
      // The signature may be left out.
      let start = range.upperBound + (marked ? 4 : 0)
      let isSummed = view.u32(start) == record.crc32
      if isSummed, view.position(start + 4) == record.compressedSize,
        view.position(start + 12) == record.uncompressedSize
      {
        return (true, start + 20)
      }
      if isSummed,
        view.u32(start + 4).map(Int.init) == record.compressedSize,
        view.u32(start + 8).map(Int.init) == record.uncompressedSize
      {
        return (true, start + 12)
      }
      return marked ? (false, start + 12) : nil
    }
  }

  private mutating func checkDescriptor(
    of record: ZipRecord,
    after range: Range<Int>
  ) {
    guard record.hasDescriptor else { return }
    let found = descriptor(of: record, after: range)
    if found == nil {
      add(
        .error,
        "no-descriptor",
        record,
        offset: range.upperBound,
        "the flags promise a data descriptor behind the bytes"
      )
    } else if found?.agrees == false {
      add(
        .error,
        "descriptor-differs",
        record,
        offset: range.upperBound,
        "the data descriptor has another CRC-32 or size than the central "
          + "directory"
      )
    }
  }
}
