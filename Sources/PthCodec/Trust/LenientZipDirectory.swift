internal import Tensors

/// Reads a central directory by the rules of ``LenientZip``.
struct LenientZipDirectory {
  private typealias Fault = LenientZip.Fault

  private let view: ByteView

  init(_ view: ByteView) {
    self.view = view
  }

  /// All entries.
  func entries() throws(LenientZip.Fault) -> [LenientZip.Entry] {
    let end = try endRecord()
    guard end.size >= end.count * Zip.centralHeaderSize else {
      throw damaged("the directory is shorter than its entries")
    }
    guard let range = Range(start: end.offset, count: end.size),
      range.upperBound <= view.count
    else { throw damaged("the directory runs past the end of the file") }
    var entries: [LenientZip.Entry] = []
    var offset = range.lowerBound
    for number in 0..<end.count {
      let (entry, size) = try self.entry(
        number,
        at: offset,
        left: range.upperBound - offset,
        disk: end.disk
      )
      entries.append(entry)
      offset += size
    }
    return entries
  }

  private struct End {
    var count: Int
    var size: Int
    var offset: Int
    var disk: Int
  }

  private func damaged(_ message: String) -> Fault {
    Fault("bad-archive", message)
  }

  private func field(_ offset: Int) -> Int? { view.u32(offset).map(Int.init) }
  private func short(_ offset: Int) -> Int? { view.u16(offset).map(Int.init) }

  // MARK: The end records

  private func endRecord() throws(Fault) -> End {
    guard let at = findEnd(), let count = short(at + 10),
      let here = short(at + 8), let disk = short(at + 4),
      let start = short(at + 6), let size = field(at + 12),
      let offset = field(at + 16)
    else { throw Fault("truncated", "there is no end record") }
    var end = End(count: count, size: size, offset: offset, disk: disk)
    var countHere = here
    var startDisk = start
    let locator = at - Zip.locatorSize
    if at >= Zip.locatorSize + Zip.end64Size,
      view.u32(locator) == Zip.locatorSignature
    {
      guard let at64 = view.position(locator + 8),
        at64 <= view.count - Zip.end64Size
      else { throw damaged("the zip64 end record is past the end") }
      if view.u32(at64) == Zip.end64Signature {
        guard let recordSize = view.u64(at64 + 4), recordSize >= 44 else {
          throw damaged("the zip64 end record is too short")
        }
        guard field(locator + 16) == 1 else {
          throw Fault("multiple-volumes", "the archive has several volumes")
        }
        guard let count = small(at64 + 32), let here = small(at64 + 24),
          let size = small(at64 + 40), let disk = field(at64 + 16),
          let start = field(at64 + 20), let offset = view.position(at64 + 48)
        else { throw damaged("the zip64 end record's numbers are too large") }
        end = End(count: count, size: size, offset: offset, disk: disk)
        countHere = here
        startDisk = start
      }
    }
    guard end.count == countHere,
      end.disk | startDisk == 0 || end.disk == 1 && startDisk == 1
    else {
      throw Fault("multiple-volumes", "the archive has several volumes")
    }
    return end
  }

  /// A 64-bit number that miniz takes: it has 32 bits for counts and sizes.
  private func small(_ offset: Int) -> Int? {
    view.u64(offset).flatMap { $0 <= UInt64(UInt32.max) ? Int($0) : nil }
  }

  /// The last end record of the file's last 64 KiB.
  private func findEnd() -> Int? {
    var at = view.count - Zip.endSize
    let first = max(0, view.count - (Zip.maximumComment + Zip.endSize))
    while at >= first {
      if view.u32(at) == Zip.endSignature { return at }
      at -= 1
    }
    return nil
  }

  // MARK: Entries

  private func entry(
    _ number: Int,
    at offset: Int,
    left: Int,
    disk: Int
  ) throws(Fault) -> (entry: LenientZip.Entry, size: Int) {
    guard left >= Zip.centralHeaderSize,
      view.u32(offset) == Zip.centralSignature,
      let flags = view.u16(offset + 8), let method = view.u16(offset + 10),
      let methodAndTime = view.u32(offset + 10),
      var compressed = field(offset + 20), var size = field(offset + 24),
      let nameSize = short(offset + 28), let extraSize = short(offset + 30),
      let commentSize = short(offset + 32), let onDisk = short(offset + 34),
      var header = field(offset + 42)
    else { throw damaged("entry \(number) of the directory is damaged") }
    let none = Int(UInt32.max)
    if compressed != none, size != none,
      methodAndTime == 0 && size != compressed || size > 0 && compressed == 0
    {
      throw damaged("the sizes of entry \(number) do not agree")
    }
    guard onDisk != 0xffff, onDisk == disk || onDisk == 1 else {
      throw Fault(
        "multiple-volumes",
        "entry \(number) lies on another volume"
      )
    }
    guard
      compressed == none
        || header + Zip.localHeaderSize + compressed <= view.count
    else {
      throw damaged("entry \(number) runs past the end of the file")
    }
    // A masked directory.
    guard flags & 0x2000 == 0 else {
      throw Fault("encrypted", "the directory is encrypted")
    }
    let total = Zip.centralHeaderSize + nameSize + extraSize + commentSize
    guard total <= left,
      let nameRange = Range(
        start: offset + Zip.centralHeaderSize,
        count: nameSize
      ),
      let bytes = unsafe view.slice(nameRange)
    else { throw damaged("entry \(number) is cut") }
    if compressed == none || size == none || header == none {
      try readExtra(
        nameRange.upperBound..<nameRange.upperBound + extraSize,
        number,
        &size,
        &compressed,
        &header
      )
    }
    let entry = unsafe LenientZip.Entry(
      name: Array(bytes.prefix { $0 != 0 }),
      flags: flags,
      method: method,
      compressedSize: compressed,
      size: size,
      headerOffset: header
    )
    return (entry, total)
  }

  /// Takes the numbers that don't fit into 32 bits from the zip64 field.
  private func readExtra(
    _ range: Range<Int>,
    _ number: Int,
    _ size: inout Int,
    _ compressed: inout Int,
    _ header: inout Int
  ) throws(Fault) {
    var at = range.lowerBound
    while at + 4 <= range.upperBound, let kind = view.u16(at),
      let length = short(at + 2)
    {
      guard at + 4 + length <= range.upperBound else { break }
      guard kind == 1 else {
        at += 4 + length
        continue
      }
      var place = at + 4
      func next(_ value: inout Int) -> Bool {
        guard value == Int(UInt32.max) else { return true }
        guard place + 8 <= at + 4 + length,
          let long = view.position(place)
        else { return false }
        value = long
        place += 8
        return true
      }
      guard next(&size), next(&compressed), next(&header) else {
        throw damaged("the zip64 field of entry \(number) is damaged")
      }
      return
    }
  }
}
