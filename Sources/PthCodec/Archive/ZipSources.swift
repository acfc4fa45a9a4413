// libzip's ends: where it reads an entry's bytes, and where it writes to. Both
// are callbacks with a Swift object behind them.
internal import CZip
internal import Tensors

/// What libzip asks about an entry or an archive.
@safe
class ZipSource {
  /// A source for libzip, which must not outlive this object.
  final func makeSource(
    _ problem: UnsafeMutablePointer<zip_error_t>
  ) throws -> OpaquePointer {
    let source = unsafe zip_source_function_create(
      { object, data, length, command in
        guard let object = unsafe object else { return -1 }
        let source = unsafe Unmanaged<ZipSource>.fromOpaque(object)
          .takeUnretainedValue()
        return unsafe source.answer(command, data, Int(clamping: length))
      },
      Unmanaged.passUnretained(self).toOpaque(),
      problem
    )
    guard let source = unsafe source else {
      throw GeneralZipError(description: "libzip has no memory left")
    }
    return unsafe source
  }

  /// Does what a command asks; -1 where it can't.
  func answer(
    _ command: zip_source_cmd_t,
    _ data: UnsafeMutableRawPointer?,
    _ length: Int
  ) -> zip_int64_t { -1 }
}

/// The bytes of one entry, as libzip asks for them.
@safe
final class ZipEntryInput: ZipSource {
  /// What the content threw, if it did.
  private(set) var failure: (any Error)?

  private let size: Int
  private let pieces: Pieces
  private var offset = 0
  // The piece that libzip is reading, and where it starts in the entry.
  private var piece: Storage?
  private var pieceStart = 0

  @safe
  private enum Pieces {
    case joined(JoinedStorages)
    case pushed(Storage.Producer)
  }

  // What is being pushed, while libzip has the entry open.
  private var pushed: PushedPieces?

  init(_ entry: GeneralZipEntry) throws {
    switch entry.content {
    case .pushed(let size, let produce):
      self.size = size
      pieces = unsafe .pushed(produce)
    case .storages(let storages):
      let joined = JoinedStorages(storages)
      size = joined.size
      pieces = .joined(joined)
    }
    // libzip 1.7 takes this size for the mark of a zip64 field.
    guard size != Int(UInt32.max) else {
      throw GeneralZipError(
        description: "entry \(entry.name): an entry of exactly \(size) bytes "
          + "can't be written to this kind of archive"
      )
    }
  }

  deinit { pushed?.cancel() }

  override func answer(
    _ command: zip_source_cmd_t,
    _ data: UnsafeMutableRawPointer?,
    _ length: Int
  ) -> zip_int64_t {
    switch command {
    case ZIP_SOURCE_OPEN:
      open()
      return 0
    case ZIP_SOURCE_READ:
      let buffer = unsafe UnsafeMutableRawBufferPointer(
        start: data,
        count: data == nil ? 0 : min(length, size - offset)
      )
      return unsafe fill(buffer)
    case ZIP_SOURCE_CLOSE, ZIP_SOURCE_FREE:
      close()
      return 0
    case ZIP_SOURCE_STAT:
      // Without a size libzip would reserve a zip64 field.
      return unsafe answerStatus(data, size: size)
    case ZIP_SOURCE_ERROR: return unsafe answerError(data, ZIP_ER_READ)
    case ZIP_SOURCE_SUPPORTS: return pth_zip_readable_commands()
    default: return -1
    }
  }

  private func open() {
    close()
    offset = 0
    if size > 0, case .pushed(let produce) = pieces {
      pushed = unsafe PushedPieces(produce)
    }
  }

  private func close() {
    piece = nil
    pushed?.cancel()
    pushed = nil
  }

  /// The piece that starts at a position; libzip reads from front to back.
  private func next(_ offset: Int) throws -> Storage? {
    switch pieces {
    case .joined(let joined): try joined.storage(startingAt: offset)
    case .pushed: try pushed?.next()
    }
  }

  private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> zip_int64_t {
    guard buffer.count > 0 else { return 0 }
    do {
      let count = try unsafe copyPiece(to: buffer)
      offset += count
      return zip_int64_t(count)
    } catch {
      failure = failure ?? error
      return -1
    }
  }

  /// Copies what the buffer takes of the piece at the offset.
  private func copyPiece(
    to buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    let known = piece.flatMap { piece in
      offset < pieceStart + piece.byteCount ? piece : nil
    }
    guard let current = try known ?? next(offset) else {
      throw GeneralZipError(
        description: "the content ended after \(offset) of \(size) bytes"
      )
    }
    if known == nil {
      piece = current
      pieceStart = offset
    }
    let start = offset - pieceStart
    return try unsafe current.withUnsafeBytes { bytes in
      let count = min(bytes.count - start, buffer.count)
      unsafe buffer.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
      )
      return count
    }
  }
}

/// Several storages read as one run of bytes.
private struct JoinedStorages {
  let size: Int
  private let pieces: [Int: Storage]

  init(_ storages: [Storage]) {
    var start = 0
    var pieces: [Int: Storage] = [:]
    for storage in storages where storage.byteCount > 0 {
      pieces[start] = storage
      start += storage.byteCount
    }
    self.pieces = pieces
    size = start
  }

  /// The storage that starts at a position; libzip reads from front to back.
  func storage(startingAt offset: Int) throws -> Storage {
    guard let storage = pieces[offset] else {
      throw GeneralZipError(description: "no storage starts at \(offset)")
    }
    return storage
  }
}

/// The sink that libzip writes an archive to.
@safe
final class ZipOutput: ZipSource {
  /// What the sink threw, if it did.
  private(set) var failure: (any Error)?

  private let sink: any PatchableSink
  private var position = 0

  init(_ sink: any PatchableSink) { self.sink = sink }

  override func answer(
    _ command: zip_source_cmd_t,
    _ data: UnsafeMutableRawPointer?,
    _ length: Int
  ) -> zip_int64_t {
    switch command {
    case ZIP_SOURCE_OPEN, ZIP_SOURCE_CLOSE, ZIP_SOURCE_FREE,
      ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE,
      ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_REMOVE, ZIP_SOURCE_READ,
      ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL:
      return 0
    case ZIP_SOURCE_STAT: return unsafe answerStatus(data, size: 0)
    case ZIP_SOURCE_ERROR: return unsafe answerError(data, ZIP_ER_WRITE)
    case ZIP_SOURCE_SUPPORTS: return pth_zip_writable_commands()
    case ZIP_SOURCE_TELL_WRITE: return zip_int64_t(position)
    case ZIP_SOURCE_SEEK_WRITE:
      let target = unsafe zip_source_seek_compute_offset(
        UInt64(position),
        UInt64(sink.position),
        data,
        UInt64(length),
        nil
      )
      guard let target = Int(exactly: target), target >= 0 else { return -1 }
      position = target
      return 0
    case ZIP_SOURCE_WRITE:
      return unsafe write(UnsafeRawBufferPointer(start: data, count: length))
    default: return -1
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) -> zip_int64_t {
    do throws(FileError) {
      let patched = max(0, min(sink.position - position, bytes.count))
      if patched > 0 {
        try unsafe sink.overwrite(
          at: position,
          UnsafeRawBufferPointer(rebasing: bytes[..<patched])
        )
      }
      if patched < bytes.count {
        try unsafe sink.write(
          UnsafeRawBufferPointer(rebasing: bytes[patched...])
        )
      }
      position += bytes.count
      return zip_int64_t(bytes.count)
    } catch {
      failure = failure ?? error
      return -1
    }
  }
}

/// Fills in libzip's description of a source.
private func answerStatus(
  _ data: UnsafeMutableRawPointer?,
  size: Int
) -> zip_int64_t {
  guard let data = unsafe data else { return -1 }
  let status = unsafe data.assumingMemoryBound(to: zip_stat_t.self)
  unsafe zip_stat_init(status)
  unsafe status.pointee.size = UInt64(size)
  unsafe status.pointee.valid = UInt64(ZIP_STAT_SIZE)
  return unsafe zip_int64_t(MemoryLayout<zip_stat_t>.size)
}

/// Tells libzip that a source failed.
private func answerError(
  _ data: UnsafeMutableRawPointer?,
  _ code: Int32
) -> zip_int64_t {
  guard let data = unsafe data else { return -1 }
  let pair = unsafe data.assumingMemoryBound(to: Int32.self)
  unsafe pair[0] = code
  unsafe pair[1] = 0
  return zip_int64_t(2 * MemoryLayout<Int32>.size)
}
