// Deflated records, by libzip. PyTorch itself deflates only TorchScript's code;
// other zip tools deflate whole checkpoints.
internal import CZip
internal import Synchronization
internal import Tensors

/// Inflates records of one archive, from any thread.
@safe
final class ZipInflater: Sendable {
  private let bytes: ArchiveBytes
  // libzip's handles must not be used from two threads at once: whoever reads
  // takes this one, and opens another where it is taken.
  private let handle: Mutex<ZipHandle?>

  init(_ bytes: ArchiveBytes) {
    self.bytes = bytes
    handle = Mutex(nil)
  }

  /// Calls `body` with the inflated bytes of the record at `index`.
  ///
  /// The caller has checked the record's local header and size.
  ///
  /// - Parameters:
  ///   - index: The record's position in the directory.
  ///   - directory: The archive's directory.
  ///   - skipped: How many of the first bytes are left out.
  ///   - body: Reads a piece; all but the last are of the same size, a whole
  ///     number of elements of any dtype.
  /// - Throws: ``ArchiveError`` for a damaged record, also after the pieces
  ///   were read; what `body` throws.
  func forEachPiece(
    _ index: Int,
    of directory: ZipDirectory,
    after skipped: Int = 0,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let known = handle.withLock { handle in
      defer { handle = nil }
      return handle
    }
    let open = try known ?? ZipHandle(reading: bytes)
    defer { handle.withLock { $0 = open } }
    try unsafe open.forEachPiece(
      index,
      directory.records[index],
      of: directory,
      after: skipped,
      body
    )
  }
}

/// libzip's handle of an archive in memory.
@safe
struct ZipHandle: @unchecked Sendable {
  @safe
  private final class Box {
    let archive: OpaquePointer
    let bytes: ArchiveBytes  // what libzip reads from

    init(_ archive: OpaquePointer, _ bytes: ArchiveBytes) {
      unsafe self.archive = unsafe archive
      self.bytes = bytes
    }

    deinit { unsafe zip_discard(archive) }
  }

  private let box: Box

  /// Opens an archive in memory.
  ///
  /// - Parameters:
  ///   - bytes: The archive.
  ///   - checking: Whether libzip compares local headers with the directory.
  /// - Throws: ``ArchiveError`` where libzip does not take the archive.
  init(
    reading bytes: ArchiveBytes,
    checking: Bool = false
  ) throws(ArchiveError) {
    var problem = unsafe zip_error_t()
    unsafe zip_error_init(&problem)
    defer { unsafe zip_error_fini(&problem) }
    let memory = unsafe bytes.unsafeBytes
    let source = unsafe zip_source_buffer_create(
      memory.baseAddress,
      zip_uint64_t(memory.count),
      0,
      &problem
    )
    let flags = ZIP_RDONLY | (checking ? ZIP_CHECKCONS : 0)
    let opened = unsafe source.flatMap { source in
      unsafe zip_open_from_source(source, Int32(flags), &problem)
    }
    guard let opened = unsafe opened else {
      unsafe zip_source_free(source)
      throw ArchiveError(
        .badDirectory,
        file: bytes.path,
        "libzip can't read the archive: "
          + (unsafe String(cString: zip_error_strerror(&problem)))
      )
    }
    box = unsafe Box(opened, bytes)
  }

  private static let pieceSize = 1 << 20

  /// Calls `body` with the inflated bytes of one record, piece by piece.
  func forEachPiece(
    _ index: Int,
    _ record: ZipRecord,
    of directory: ZipDirectory,
    after skipped: Int,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    defer { withExtendedLifetime(box) {} }
    func bad(
      _ message: String,
      code: ArchiveError.Code = .badCompression
    ) -> ArchiveError {
      directory.fault(
        code,
        record,
        message,
        hint: "the record is damaged"
      )
    }
    var status = unsafe zip_stat_t()
    guard
      unsafe zip_stat_index(box.archive, UInt64(index), 0, &status) == 0,
      unsafe status.comp_size == UInt64(record.compressedSize),
      unsafe status.size == UInt64(record.uncompressedSize),
      unsafe status.crc == record.crc32,
      let entry = unsafe zip_fopen_index(box.archive, UInt64(index), 0)
    else { throw bad("libzip reads another directory than this program") }
    defer { unsafe zip_fclose(entry) }
    let size = record.uncompressedSize
    let piece = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, min(size, Self.pieceSize)),
      alignment: 64
    )
    defer { unsafe piece.deallocate() }
    var total = 0
    var next = min(skipped, piece.count)
    while total < size {
      let part = unsafe UnsafeMutableRawBufferPointer(
        rebasing: piece[..<min(next, size - total)]
      )
      let filled = unsafe Self.fill(part, from: entry)
      total += filled
      guard filled == part.count else { break }
      if total > skipped {
        try unsafe body(UnsafeRawBufferPointer(part))
        next = piece.count
      } else {
        next = total == skipped ? piece.count : min(skipped - total, next)
      }
    }
    // Only the read that meets the end compares the CRC.
    var beyond: UInt8 = 0
    let rest = unsafe zip_fread(entry, &beyond, 1)
    let code = unsafe zip_error_code_zip(zip_file_get_error(entry))
    if code == ZIP_ER_CRC, total == size {
      throw bad(
        "its inflated bytes do not have the CRC-32 \(hex(record.crc32))",
        code: .badChecksum
      )
    }
    guard total == size, rest == 0 else {
      throw bad(
        "it does not inflate to the \(size) bytes that the central directory "
          + "says"
      )
    }
  }

  /// Reads until `target` is full or nothing more comes.
  private static func fill(
    _ target: UnsafeMutableRawBufferPointer,
    from entry: OpaquePointer
  ) -> Int {
    var filled = 0
    while filled < target.count {
      let read = unsafe zip_fread(
        entry,
        target.baseAddress.map { unsafe $0 + filled },
        UInt64(target.count - filled)
      )
      guard read > 0 else { break }
      filled += Int(read)
    }
    return filled
  }
}
