// The zip format's checksum, by libdeflate: several times faster than zlib's.
internal import CDeflate
internal import Dispatch
internal import Synchronization

/// CRC-32 as zip, gzip and PNG use it.
enum CRC32 {
  /// The checksum of `bytes`, going on from that of the bytes before them.
  static func checksum(
    _ bytes: UnsafeRawBufferPointer,
    after previous: UInt32 = 0
  ) -> UInt32 {
    guard let start = bytes.baseAddress else { return previous }
    return unsafe libdeflate_crc32(previous, start, bytes.count)
  }

  // Handing work to another core takes some microseconds, as long as summing
  // a tenth of this.
  private static let sharedSize = 1 << 20

  /// The checksum of bytes, taken by another core while `body` reads them too.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - previous: The checksum of the bytes before them.
  ///   - body: What is done on this thread meanwhile, such as writing.
  /// - Returns: The checksum.
  /// - Throws: What `body` throws, once nobody reads the bytes any more.
  static func checksum<Failure: Error>(
    _ bytes: UnsafeRawBufferPointer,
    after previous: UInt32,
    while body: () throws(Failure) -> Void
  ) throws(Failure) -> UInt32 {
    guard bytes.count >= sharedSize else {
      try body()
      return unsafe checksum(bytes, after: previous)
    }
    let sum = SharedSum(previous)
    let done = DispatchSemaphore(value: 0)
    // Read only until the sum is there, for which this function waits.
    nonisolated(unsafe) let bytes = unsafe bytes
    DispatchQueue.global(qos: .userInitiated).async {
      if sum.claim() { unsafe sum.add(bytes) }
      done.signal()
    }
    let result = Result(catching: body)
    if sum.claim() {
      // The other cores are busy.
      if case .success = result { unsafe sum.add(bytes) }
    } else {
      done.wait()
    }
    try result.get()
    return sum.value
  }

  /// A sum that one of two threads takes.
  private final class SharedSum: Sendable {
    private let isClaimed = Atomic(false)
    private let sum: Atomic<UInt32>

    init(_ start: UInt32) { sum = Atomic(start) }

    var value: UInt32 { sum.load(ordering: .acquiring) }

    /// Whether the caller is the one that is to sum.
    func claim() -> Bool {
      !isClaimed.exchange(true, ordering: .acquiringAndReleasing)
    }

    func add(_ bytes: UnsafeRawBufferPointer) {
      let start = sum.load(ordering: .relaxed)
      sum.store(
        unsafe CRC32.checksum(bytes, after: start),
        ordering: .releasing
      )
    }
  }
}
