// Little-endian numbers at checked positions: how this folder looks at bytes
// that came from a file.

/// A view of bytes whose every read is checked against their end.
///
/// Whoever makes one keeps the bytes alive.
@safe
struct ByteView {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    unsafe self.bytes = unsafe bytes
  }

  var count: Int { unsafe bytes.count }

  /// The bytes of `range`, or nil where it is not inside the view.
  func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
    guard range.lowerBound >= 0, range.upperBound <= count else { return nil }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
  }

  func u16(_ offset: Int) -> UInt16? { load(offset) }
  func u32(_ offset: Int) -> UInt32? { load(offset) }
  func u64(_ offset: Int) -> UInt64? { load(offset) }

  /// The 64-bit number at `offset` as a position, or nil where it is none.
  func position(_ offset: Int) -> Int? {
    u64(offset).flatMap { Int(exactly: $0) }
  }

  @inline(__always)
  private func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int
  ) -> Number? {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, offset <= count &- size else { return nil }
    return Number(
      littleEndian: unsafe bytes.loadUnaligned(
        fromByteOffset: offset,
        as: Number.self
      )
    )
  }
}

/// The bytes that a byte range needs to be inside, with overflow an error.
extension Range<Int> {
  /// The range of `count` bytes from `start`, or nil where it can't be one.
  init?(start: Int, count: Int) {
    let (end, overflow) = start.addingReportingOverflow(count)
    guard !overflow, start >= 0, count >= 0 else { return nil }
    self = start..<end
  }
}
