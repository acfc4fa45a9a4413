internal import CMapped

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A regular file's bytes, mapped read-only into memory.
///
/// Mapping costs nothing per byte: pages come in when they are first read. A
/// file that another process shortens meanwhile is the one danger: reading a
/// page past the new end ends the process; see ``ShortenedFile``. Writers of
/// this package never shorten a file in place; ``isIntact`` tells whether the
/// file is still the one that was opened.
@safe
public final class MappedFile: Sendable {
  /// The path as it was given.
  public let path: String

  /// The number of bytes.
  public let count: Int

  private let base: UInt  // the map's address; 0 for an empty file
  let descriptor: Int32
  private let modified: [Int]

  /// Maps the file at `path`.
  ///
  /// - Parameter path: A regular file's path.
  /// - Returns: The mapped file; an empty file is mapped as no bytes.
  /// - Throws: ``FileError`` for a missing, unreadable or non-regular file.
  public static func open(_ path: String) throws(FileError) -> MappedFile {
    let descriptor = unsafe path.withCString { unsafe openReadOnly($0) }
    guard descriptor >= 0 else {
      throw FileError(.open, path: path, code: errno)
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      let code = errno
      _ = close(descriptor)
      throw FileError(.open, path: path, code: code)
    }
    let type = status.st_mode & S_IFMT
    guard type == S_IFREG else {
      _ = close(descriptor)
      throw FileError(
        .open,
        path: path,
        code: type == S_IFDIR ? EISDIR : EINVAL,
        detail: type == S_IFDIR ? nil : "it is not a regular file"
      )
    }
    guard let count = Int(exactly: status.st_size), count > 0 else {
      return MappedFile(path, 0, count: 0, descriptor, status)
    }
    let address = unsafe mmap(
      nil,
      count,
      PROT_READ,
      MAP_SHARED,
      descriptor,
      0
    )
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      let code = errno
      _ = close(descriptor)
      throw FileError(.map, path: path, code: code)
    }
    unsafe pth_mapped(address, count, path)
    return MappedFile(
      path,
      UInt(bitPattern: address),
      count: count,
      descriptor,
      status
    )
  }

  private static func openReadOnly(_ path: UnsafePointer<CChar>) -> Int32 {
    // Without O_NONBLOCK a fifo would wait here for a writer.
    unsafe systemOpen(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  }

  private init(
    _ path: String,
    _ base: UInt,
    count: Int,
    _ descriptor: Int32,
    _ status: stat
  ) {
    self.path = path
    self.base = base
    self.count = count
    self.descriptor = descriptor
    modified = Self.stamp(of: status)
  }

  deinit {
    if base != 0 {
      unsafe pth_unmapped(UnsafeRawPointer(bitPattern: base))
      _ = unsafe munmap(UnsafeMutableRawPointer(bitPattern: base), count)
    }
    _ = close(descriptor)
  }

  /// Calls `body` with the file's bytes.
  ///
  /// - Parameter body: Reads the bytes; they must not escape it.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try unsafe body(unsafeBytes)
  }

  /// The file's bytes, valid for as long as the object lives.
  ///
  /// Whoever keeps them keeps the object too.
  @unsafe
  public var unsafeBytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: base),
      count: count
    )
  }

  /// The file's bytes.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeBytes: unsafeBytes)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Whether the file still has the size and time that it had when opened.
  ///
  /// A file that was shortened in place since can't be read any more.
  public var isIntact: Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0
      && Self.stamp(of: status) == modified
  }

  /// Calls `body`, which reads a few bytes here and there.
  ///
  /// Meanwhile a page that is read brings no others with it: the system's
  /// reading ahead would fetch megabytes around each of them.
  ///
  /// - Parameter body: Reads the bytes.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  package func withScatteredReads<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    advise(MADV_RANDOM)
    defer { advise(MADV_NORMAL) }
    return try body()
  }

  /// Fills a buffer with the file's bytes from `offset`, mapping no page.
  ///
  /// - Returns: Whether there were enough bytes, and the system gave them.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer,
    at offset: Int
  ) -> Bool {
    guard let start = buffer.baseAddress else { return true }
    var length: Int
    repeat {
      length = unsafe pread(descriptor, start, buffer.count, off_t(offset))
    } while length < 0 && errno == EINTR
    return length == buffer.count
  }

  private func advise(_ advice: Int32) {
    guard base != 0 else { return }
    // Only speed depends on it, so that a failure is of no consequence.
    _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: base), count, advice)
    #if canImport(Glibc) || canImport(Musl)
      let isRandom = advice == MADV_RANDOM
      _ = posix_fadvise(
        descriptor,
        0,
        0,
        isRandom ? POSIX_FADV_RANDOM : POSIX_FADV_NORMAL
      )
    #endif
  }

  private static func stamp(of status: stat) -> [Int] {
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    return [Int(clamping: status.st_size), time.tv_sec, time.tv_nsec]
  }
}
