#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Large memory in huge pages: a gigabyte is then there after 512 page faults
/// and not after 262,144, which take longer than filling it.
enum LargeMemory {
  private static let hugePage = 2 << 20

  /// The alignment that lets a buffer consist of huge pages.
  static func alignment(ofBytes count: Int) -> Int {
    count < 2 * hugePage ? 64 : hugePage
  }

  /// Asks for huge pages wherever they lie wholly in a buffer that was not
  /// touched yet.
  static func prepare(_ buffer: UnsafeMutableRawBufferPointer) {
    #if os(Linux)
      let before =
        (hugePage - Int(bitPattern: buffer.baseAddress) % hugePage) % hugePage
      let count = (buffer.count - before) / hugePage * hugePage
      guard count > 0, let start = buffer.baseAddress else { return }
      // Where the system has none, small pages do as well.
      _ = unsafe madvise(start + before, count, MADV_HUGEPAGE)
    #endif
  }
}
