// The header before a record's bytes: read when the record is, not before.
internal import Pickle

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
    self.init(in: view, at: offset, from: offset, of: view.count)
  }

  /// Reads a local header.
  ///
  /// - Parameters:
  ///   - view: Bytes with the header's fixed part in them.
  ///   - start: Where in the view it begins.
  ///   - offset: Where in the archive it begins.
  ///   - count: The archive's bytes.
  init?(
    in view: ByteView,
    at start: Int,
    from offset: Int,
    of count: Int
  ) {
    guard
      view.u32(start) == Zip.localSignature,
      let flags = view.u16(start + 6),
      let method = view.u16(start + 8),
      let crc32 = view.u32(start + 14),
      let compressedSize = view.u32(start + 18),
      let uncompressedSize = view.u32(start + 22),
      let nameLength = view.u16(start + 26),
      let extraLength = view.u16(start + 28)
    else { return nil }
    let name = offset + Zip.localHeaderSize
    let extra = name + Int(nameLength)
    let data = extra + Int(extraLength)
    guard data <= count else { return nil }
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
    let (header, sameName) = headerAndName(of: record)
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

  /// A record's local header, and whether it has the directory's name.
  private func headerAndName(
    of record: ZipRecord
  ) -> (ZipLocalHeader?, Bool) {
    let size = Zip.localHeaderSize + record.nameLength
    guard let range = Range(start: record.headerOffset, count: size) else {
      return (nil, false)
    }
    return bytes.withFewBytes(
      of: range,
      isAlone: record.compressedSize >= Self.farApart
    ) { part, start in
      let header = ZipLocalHeader(
        in: part,
        at: start,
        from: range.lowerBound,
        of: bytes.count
      )
      guard let header, header.nameRange.count == record.nameLength else {
        return (header, false)
      }
      let nameStart = start + Zip.localHeaderSize
      let isSame = bytes.withView { all in
        guard
          let own = unsafe part.slice(
            nameStart..<nameStart + record.nameLength
          ),
          let listed = unsafe all.slice(record.nameRange)
        else { return false }
        return unsafe sameBytes(own, listed)
      }
      return (header, isSame)
    }
  }

  /// A page fault maps 64 KiB: of shorter records it brings in several.
  private static var farApart: Int { 1 << 16 }

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
    return unsafe sameBytes(first, second)
  }
}
