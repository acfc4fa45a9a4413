// The header before a record's bytes: read when the record is, not before.

/// What the local header before a record's bytes says.
package struct ZipLocalHeader: Sendable {
  /// Where it lies.
  package let offset: Int
  /// Where the record's bytes start.
  package let dataOffset: Int
  package let flags: UInt16
  package let method: UInt16
  package let crc32: UInt32
  /// The sizes as the 32-bit fields have them.
  package let compressedSize: UInt32
  package let uncompressedSize: UInt32
  let nameRange: Range<Int>
  let extraRange: Range<Int>

  /// Reads the local header at `offset`, or nil where there is none.
  init?(in view: ByteView, at offset: Int) {
    guard
      view.u32(offset) == Zip.localSignature,
      let flags = view.u16(offset + 6),
      let method = view.u16(offset + 8),
      let crc32 = view.u32(offset + 14),
      let compressedSize = view.u32(offset + 18),
      let uncompressedSize = view.u32(offset + 22),
      let nameLength = view.u16(offset + 26),
      let extraLength = view.u16(offset + 28)
    else { return nil }
    let name = offset + Zip.localHeaderSize
    let extra = name + Int(nameLength)
    let data = extra + Int(extraLength)
    guard data <= view.count else { return nil }
    self.offset = offset
    dataOffset = data
    self.flags = flags
    self.method = method
    self.crc32 = crc32
    self.compressedSize = compressedSize
    self.uncompressedSize = uncompressedSize
    nameRange = name..<extra
    extraRange = extra..<data
  }
}

extension ZipDirectory {
  /// The local header of a record, which must agree with the directory about
  /// the name and the method: readers differ in which of the two they believe.
  ///
  /// - Throws: ``ArchiveError`` where it is not there or does not agree.
  package func localHeader(
    of record: ZipRecord
  ) throws(ArchiveError) -> ZipLocalHeader {
    let hint = "the file is damaged or made to deceive; see `pth verify`"
    let offset = record.headerOffset
    let (header, sameName) = bytes.withView { view in
      let header = ZipLocalHeader(in: view, at: offset)
      let sameName = header.map {
        view.areEqual($0.nameRange, record.nameRange)
      }
      return (header, sameName ?? false)
    }
    guard let header else {
      throw fault(
        .badLocalHeader,
        record,
        "there is no local header where the central directory says",
        hint: hint
      )
    }
    guard sameName else {
      throw fault(
        .badLocalHeader,
        record,
        "its local header has another name: \(text(in: header.nameRange))",
        hint: hint
      )
    }
    guard header.method == record.method else {
      throw fault(
        .badLocalHeader,
        record,
        "its local header says method \(header.method), the central "
          + "directory \(record.method)",
        hint: hint
      )
    }
    return header
  }

  /// The text in `range`; bytes that are not UTF-8 come as U+FFFD.
  func text(in range: Range<Int>) -> String {
    bytes.withView { view in
      unsafe String(
        decoding: view.slice(range)
          ?? UnsafeRawBufferPointer(start: nil, count: 0),
        as: UTF8.self
      )
    }
  }
}

extension ByteView {
  /// Whether the bytes of two ranges are the same.
  func areEqual(_ first: Range<Int>, _ second: Range<Int>) -> Bool {
    guard
      first.count == second.count,
      let first = unsafe slice(first),
      let second = unsafe slice(second)
    else { return false }
    return unsafe first.elementsEqual(second)
  }
}
