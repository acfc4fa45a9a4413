// The walk through a damaged archive: local headers, their descriptors, and
// what the CRCs say.
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Finds records by their local headers and checks their bytes.
///
/// PyTorch's local headers tell no size: the descriptor after the bytes does.
/// A descriptor belongs to the header from whose bytes it is as far away as
/// the size that it names; the CRC then proves it.
struct SalvageWalk {
  private(set) var found: [SalvagedRecord] = []

  private let bytes: ArchiveBytes
  private let limits: ArchiveLimits
  private let progress: ProgressHandler?
  private var headers: [Int] = []
  /// Descriptors by the position at which their bytes would have to start.
  private var descriptors: [Int: Descriptor] = [:]
  private var directory: [Int: ZipRecord] = [:]

  private struct Descriptor {
    let crc32: UInt32
    let compressedSize: Int
    let uncompressedSize: Int
  }

  init(
    _ bytes: ArchiveBytes,
    _ limits: ArchiveLimits,
    _ progress: ProgressHandler?
  ) {
    self.bytes = bytes
    self.limits = limits
    self.progress = progress
  }

  mutating func run() {
    // A directory that can be read knows sizes that a descriptor may have lost.
    if let known = try? ZipDirectory(bytes) {
      for record in known.records { directory[record.headerOffset] = record }
    }
    let bytes = bytes
    bytes.withView { view in
      findMarks(in: view)
      var position = 0
      for (index, offset) in headers.enumerated() where offset >= position {
        guard let header = ZipLocalHeader(in: view, at: offset) else {
          continue
        }
        let next =
          index + 1 < headers.count ? headers[index + 1] : view.count
        let record = salvaged(header, before: next, in: view)
        found.append(record)
        // What lies inside a record's bytes is not a record of the archive.
        position =
          record.state == .unknownEnd || record.state == .cutShort
          ? header.dataOffset : record.range.upperBound
        // The walk for marks was the first half.
        progress?(view.count / 2 + position / 2, view.count)
      }
    }
  }

  /// Notes every local header and descriptor in one pass.
  private mutating func findMarks(in view: ByteView) {
    var position = 0
    var told = 0
    while let mark = view.nextSignature(from: position) {
      position = mark + 4
      if position - told > 1 << 24 {
        told = position
        progress?(position / 2, view.count)
      }
      switch view.u32(mark) {
      case Zip.localSignature: headers.append(mark)
      case Zip.descriptorSignature: note(descriptorAt: mark, in: view)
      default: break
      }
    }
  }

  private mutating func note(descriptorAt offset: Int, in view: ByteView) {
    guard let crc32 = view.u32(offset + 4) else { return }
    func keep(_ compressed: Int?, _ uncompressed: Int?) {
      guard let compressed, let uncompressed, compressed <= offset else {
        return
      }
      let start = offset - compressed
      // The nearest one; any other is in a later record's way.
      guard descriptors[start] == nil else { return }
      descriptors[start] = Descriptor(
        crc32: crc32,
        compressedSize: compressed,
        uncompressedSize: uncompressed
      )
    }
    let short = (view.u32(offset + 8), view.u32(offset + 12))
    // The upper half of a 64-bit size is not a size of its own.
    if short.1 != 0 || short.0 == 0 {
      keep(short.0.map(Int.init), short.1.map(Int.init))
    }
    keep(view.position(offset + 8), view.position(offset + 16))
  }

  private func salvaged(
    _ header: ZipLocalHeader,
    before next: Int,
    in view: ByteView
  ) -> SalvagedRecord {
    let start = header.dataOffset
    let name = unsafe String(
      decoding: view.slice(header.nameRange)
        ?? UnsafeRawBufferPointer(start: nil, count: 0),
      as: UTF8.self
    )
    func record(
      _ state: SalvagedRecord.State,
      _ range: Range<Int>,
      _ crc32: UInt32? = nil,
      _ uncompressedSize: Int? = nil
    ) -> SalvagedRecord {
      SalvagedRecord(
        name: name,
        state: state,
        range: range,
        method: header.method,
        crc32: crc32,
        uncompressedSize: uncompressedSize,
        headerOffset: header.offset
      )
    }
    guard let noted = noted(header, in: view) else {
      return record(
        next == view.count ? .cutShort : .unknownEnd,
        start..<max(start, next)
      )
    }
    guard let range = Range(start: start, count: noted.compressedSize),
      range.upperBound <= view.count
    else { return record(.cutShort, start..<view.count, noted.crc32) }
    let whole = record(.intact, range, noted.crc32, noted.uncompressedSize)
    let isIntact =
      header.method == 0
      ? noted.compressedSize == noted.uncompressedSize
        && (unsafe view.slice(range).map { unsafe CRC32.checksum($0) })
          == noted.crc32
      : Self.inflated(whole, in: view, bytes, limits) != nil
    return isIntact
      ? whole
      : record(.wrongChecksum, range, noted.crc32, noted.uncompressedSize)
  }

  /// What is noted of a record's bytes, and where.
  private func noted(
    _ header: ZipLocalHeader,
    in view: ByteView
  ) -> (crc32: UInt32, compressedSize: Int, uncompressedSize: Int)? {
    if header.flags & 0x0008 == 0 {
      let sizes = header.sizes(in: view)
      return sizes.map { (header.crc32, $0.compressed, $0.uncompressed) }
    }
    if let found = descriptors[header.dataOffset] {
      return (found.crc32, found.compressedSize, found.uncompressedSize)
    }
    guard let entry = directory[header.offset],
      view.areEqual(entry.nameRange, header.nameRange)
    else { return nil }
    return (entry.crc32, entry.compressedSize, entry.uncompressedSize)
  }

  /// A compressed record's content, or nil where it does not inflate to what
  /// was noted of it.
  static func inflated(
    _ record: SalvagedRecord,
    in view: ByteView,
    _ bytes: ArchiveBytes,
    _ limits: ArchiveLimits
  ) -> Storage? {
    guard record.method == 8, let crc32 = record.crc32,
      let size = record.uncompressedSize,
      let data = unsafe view.slice(record.range)
    else { return nil }
    // libzip inflates archives: so it gets one of this record alone.
    let sink = MemorySink()
    var writer = TorchArchiveWriter(root: "salvaged", to: sink)
    do {
      try unsafe writer.add(
        "record",
        compressed: data,
        method: record.method,
        crc32: crc32,
        uncompressedSize: size
      )
      try writer.finish()
      let archive = try ArchiveBytes(Storage(sink.bytes), path: bytes.path)
      return try GeneralZipReader(archive, limits: limits)
        .storage(at: 0, checkingSum: true)
    } catch {
      return nil
    }
  }
}

extension ZipLocalHeader {
  /// The sizes, from the zip64 field where they are beyond 32 bits.
  func sizes(in view: ByteView) -> (compressed: Int, uncompressed: Int)? {
    guard compressedSize == .max || uncompressedSize == .max else {
      return (Int(compressedSize), Int(uncompressedSize))
    }
    guard let field = view.extraField(1, in: extraRange), field.count >= 16,
      let uncompressed = view.position(field.lowerBound),
      let compressed = view.position(field.lowerBound + 8)
    else { return nil }
    return (compressed, uncompressed)
  }
}

extension ByteView {
  /// The next position from which `PK` stands.
  fileprivate func nextSignature(from start: Int) -> Int? {
    var position = start
    while position < count - 3,
      let rest = unsafe slice(position..<count),
      let base = rest.baseAddress,
      let hit = unsafe memchr(base, 0x50, rest.count)
    {
      position += unsafe UnsafeRawPointer(hit) - base
      if u16(position) == 0x4B50 { return position }
      position += 1
    }
    return nil
  }
}
