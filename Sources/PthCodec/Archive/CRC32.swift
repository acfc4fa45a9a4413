// The zip format's checksum, by libdeflate: several times faster than zlib's.
internal import CDeflate

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
}
