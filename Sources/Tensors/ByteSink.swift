// Where bytes are written to: a file or memory.

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
public final class MemorySink: ByteSink {
  /// Everything written so far.
  public private(set) var bytes: [UInt8] = []

  /// Makes an empty sink.
  public init() {}

  public var position: Int { bytes.count }

  public func write(_ bytes: UnsafeRawBufferPointer) {
    unsafe self.bytes.append(contentsOf: bytes)
  }
}
