// Writing a file so that its name shows the old content or the whole new one,
// never a part.

internal import CKernels

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A file that appears under its name when it is complete, and only then.
///
/// The bytes go into a temporary file beside the target, which ``commit()``
/// renames over it after they have reached the disk. Until then, and after any
/// error, the target is what it was. A temporary file that a killed process
/// left is removed by the next write to the same target.
///
/// A target that is a symbolic link stays one: the file that it names is
/// replaced. A hard link to the old file keeps the old content. A pipe or a
/// device can't be replaced: it is written to straight away.
///
/// Within ``reading(_:_:)`` a file is not committed whose source was changed
/// meanwhile.
///
/// One thread at a time may use an object.
@safe
public final class AtomicFile: PatchableSink {
  /// What ``commit()`` does about a power failure.
  public enum Durability: Sendable {
    /// The bytes and the name are on the disk when it returns.
    case synchronized
    /// They get there in the system's own time.
    case deferred
  }

  /// The path as it was given.
  public let path: String

  public private(set) var position = 0

  private let destination: OutputDestination
  private let durability: Durability
  private let reserved: Int
  private var descriptor: Int32
  private var buffer: UnsafeMutableRawBufferPointer
  private var buffered = 0
  // Up to where the disk was asked to take the bytes.
  private var submitted = 0
  private var failure: FileError?

  private static let bufferSize = 1 << 20
  // From this size on a write of its own costs less than a copy.
  private static let directSize = 1 << 17
  // So much is written before the disk is asked to take it.
  private static let submittedSize = 16 << 20
  // What one system call writes. Linux takes more than twice the time for 2 MiB
  // and more of a mapped file, whose pages it then finds missing half-way.
  private static let writeSize = 1 << 19

  /// Starts to write a file.
  ///
  /// - Parameters:
  ///   - path: Where the file shall be.
  ///   - overwriting: Whether a file that is there may be replaced.
  ///   - expectedSize: The final size, if it is known: the space is reserved,
  ///     so that a disk that is too full is noticed before anything is written.
  ///   - durability: What ``commit()`` does about a power failure.
  /// - Throws: ``FileError`` where the target is a folder, may not be written
  ///   or replaced, or the disk is full.
  public init(
    _ path: String,
    overwriting: Bool = true,
    expectedSize: Int? = nil,
    durability: Durability = .synchronized
  ) throws(FileError) {
    let destination = try OutputDestination(path, overwriting: overwriting)
    let descriptor = try destination.open()
    self.path = path
    self.destination = destination
    self.durability = durability
    self.descriptor = descriptor
    unsafe buffer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    guard destination.temporary != nil, let expectedSize, expectedSize > 0
    else {
      reserved = 0
      return
    }
    do throws(FileError) {
      reserved = try Self.reserve(expectedSize, descriptor, path: path)
    } catch {
      destination.abandon(descriptor)
      throw error
    }
  }

  deinit {
    discard()
    unsafe buffer.deallocate()
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try checkOpen()
    position += bytes.count
    if bytes.count >= Self.directSize {
      try flush()
      try unsafe writeOut(bytes)
    } else {
      if bytes.count > Self.bufferSize - buffered { try flush() }
      unsafe gather(bytes)
    }
    submit()
  }

  /// Writes a part of a mapped file after the bytes before.
  ///
  /// The system copies it from file to file where it can, without mapping it.
  ///
  /// - Parameters:
  ///   - range: The bytes' positions in the file.
  ///   - file: The file.
  /// - Throws: ``FileError`` where the range is not inside the file, where the
  ///   file was shortened since, or the bytes can't be written.
  public func write(
    _ range: Range<Int>,
    of file: MappedFile
  ) throws(FileError) {
    guard range.lowerBound >= 0, range.upperBound <= file.count else {
      throw FileError(.read, path: file.path, code: EINVAL)
    }
    var start = range.lowerBound
    if range.count >= Self.directSize {
      try checkOpen()
      try flush()
      while start < range.upperBound {
        let count = pth_copy_file_range(
          file.descriptor,
          Int64(start),
          descriptor,
          min(range.upperBound - start, Self.submittedSize)
        )
        // A page past the end of a file that was shortened can't be read.
        guard count != 0 || file.isIntact else {
          throw Self.changed(file)
        }
        // Other file systems, pipes and old kernels take the bytes as below.
        guard count > 0 else { break }
        start += count
        position += count
        submit()
      }
    }
    guard start < range.upperBound else { return }
    try unsafe write(
      UnsafeRawBufferPointer(
        rebasing: file.unsafeBytes[start..<range.upperBound]
      )
    )
  }

  /// Has the disk work while the next bytes are prepared, where `commit` would
  /// wait for it.
  private func submit() {
    let written = position - buffered
    guard durability == .synchronized, destination.temporary != nil,
      written - submitted >= Self.submittedSize
    else { return }
    pth_start_writeback(
      descriptor,
      Int64(submitted),
      Int64(written - submitted)
    )
    submitted = written
  }

  public func overwrite(
    at offset: Int,
    _ bytes: UnsafeRawBufferPointer
  ) throws(FileError) {
    try checkOpen()
    guard offset >= 0, bytes.count <= position - offset else {
      throw FileError(.write, path: path, code: EINVAL)
    }
    let flushed = position - buffered
    if offset >= flushed {
      unsafe UnsafeMutableRawBufferPointer(
        rebasing: buffer[(offset - flushed)...]
      )
      .copyMemory(from: bytes)
    } else {
      try flush()
      try unsafe writeOut(bytes, at: offset)
    }
  }

  private func gather(_ bytes: UnsafeRawBufferPointer) {
    if unsafe buffer.count == 0 {
      unsafe buffer = .allocate(byteCount: Self.bufferSize, alignment: 4096)
    }
    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[buffered...])
      .copyMemory(from: bytes)
    buffered += bytes.count
  }

  /// Puts the finished file in its place.
  ///
  /// - Throws: ``FileError`` where the last bytes can't be written or the
  ///   target can't be replaced; the target is then what it was.
  public func commit() throws(FileError) {
    try checkOpen()
    do throws(FileError) {
      try Self.checkSources()
      try flush()
      guard destination.temporary != nil else {
        close()
        return
      }
      if reserved > position {
        try check(ftruncate(descriptor, off_t(position)), .write)
      }
      if durability == .synchronized {
        try check(fsync(descriptor), .write)
      }
      try destination.publish(descriptor, durability: durability)
      close()
    } catch {
      discard()
      failure = error
      throw error
    }
  }

  /// Gives up: removes the temporary file and leaves the target as it was.
  public func discard() {
    guard descriptor >= 0 else { return }
    destination.abandon(descriptor)
    descriptor = -1
  }

  private func close() {
    destination.release(descriptor)
    descriptor = -1
  }

  private func checkOpen() throws(FileError) {
    if let failure { throw failure }
    guard descriptor >= 0 else {
      throw FileError(.write, path: path, code: EBADF)
    }
  }

  private func flush() throws(FileError) {
    guard buffered > 0 else { return }
    let pending = unsafe UnsafeRawBufferPointer(
      rebasing: buffer[..<buffered]
    )
    try unsafe writeOut(pending)
    buffered = 0
  }

  /// Writes all bytes, at the file's own position or at `offset`.
  private func writeOut(
    _ bytes: UnsafeRawBufferPointer,
    at offset: Int? = nil
  ) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let count = min(bytes.count - written, Self.writeSize)
      let start = unsafe bytes.baseAddress.map { unsafe $0 + written }
      let result =
        if let offset {
          unsafe pwrite(descriptor, start, count, off_t(offset + written))
        } else {
          unsafe systemWrite(descriptor, start, count)
        }
      if result > 0 {
        written += result
      } else if result == 0 || errno != EINTR {
        let code = result == 0 ? ENOSPC : errno
        discard()
        do throws(FileError) {
          // The system tells of a source that ends too early by this number.
          if code == EFAULT { try Self.checkSources() }
          throw FileError(.write, path: path, code: code)
        } catch {
          failure = error
          throw error
        }
      }
    }
  }

  private func check(
    _ result: Int32,
    _ operation: FileError.Operation
  ) throws(FileError) {
    guard result == 0 else {
      throw FileError(operation, path: path, code: errno)
    }
  }

  #if !canImport(Darwin)
    private static func allocate(_ size: Int, _ descriptor: Int32) -> Int32 {
      var code: Int32
      repeat {
        code = posix_fallocate(descriptor, 0, off_t(size))
      } while code == EINTR
      return code
    }
  #endif

  /// Reserves disk space where the file system can; returns what it reserved.
  private static func reserve(
    _ size: Int,
    _ descriptor: Int32,
    path: String
  ) throws(FileError) -> Int {
    #if !canImport(Darwin)
      var code = allocate(size, descriptor)
      if code == ENOSPC {
        ReplacedFile.waitForReleases()
        code = allocate(size, descriptor)
      }
      if code == 0 { return size }
      guard code != ENOSPC, code != EFBIG, code != EDQUOT else {
        throw FileError(.write, path: path, code: code)
      }
    #endif
    return 0
  }
}

private func systemWrite(
  _ descriptor: Int32,
  _ bytes: UnsafeRawPointer?,
  _ count: Int
) -> Int {
  #if canImport(Darwin)
    unsafe Darwin.write(descriptor, bytes, count)
  #elseif canImport(Musl)
    unsafe Musl.write(descriptor, bytes, count)
  #else
    unsafe Glibc.write(descriptor, bytes, count)
  #endif
}
