// Where bytes are written to: a file or memory.

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Something that takes bytes one after the other.
public protocol ByteSink: AnyObject {
  /// The number of bytes written so far.
  var position: Int { get }

  /// Writes bytes after those before.
  ///
  /// - Parameter bytes: The bytes; they are copied or written at once.
  /// - Throws: ``FileError`` where they can't be written.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError)
}

/// A sink whose bytes can still be changed after they were written.
public protocol PatchableSink: ByteSink {
  /// Replaces bytes that were written before.
  ///
  /// - Parameters:
  ///   - offset: Where the first of them is, counted as ``ByteSink/position``
  ///     counts.
  ///   - bytes: The new bytes; they must end before the position.
  /// - Throws: ``FileError`` where that can't be done, as in a pipe.
  func overwrite(
    at offset: Int,
    _ bytes: UnsafeRawBufferPointer
  ) throws(FileError)
}

extension ByteSink {
  /// Writes an array's bytes.
  ///
  /// - Throws: As ``write(_:)-(UnsafeRawBufferPointer)`` does.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    let result = unsafe bytes.withUnsafeBytes {
      bytes -> Result<Void, FileError> in
      do throws(FileError) {
        return .success(try unsafe write(bytes))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Writes a text's UTF-8 bytes.
  ///
  /// - Throws: As ``write(_:)-(UnsafeRawBufferPointer)`` does.
  public func write(_ text: String) throws(FileError) {
    try write(Array(text.utf8))
  }
}

/// A sink that keeps what is written in memory.
public final class MemorySink: PatchableSink {
  /// Everything written so far.
  public private(set) var bytes: [UInt8] = []

  /// Makes an empty sink.
  public init() {}

  public var position: Int { bytes.count }

  public func write(_ bytes: UnsafeRawBufferPointer) {
    unsafe self.bytes.append(contentsOf: bytes)
  }

  public func overwrite(
    at offset: Int,
    _ bytes: UnsafeRawBufferPointer
  ) throws(FileError) {
    guard offset >= 0, bytes.count <= position - offset else {
      throw FileError(.write, path: "memory", code: EINVAL)
    }
    unsafe self.bytes.replaceSubrange(
      offset..<offset + bytes.count,
      with: bytes
    )
  }
}
