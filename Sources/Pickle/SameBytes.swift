#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whether two runs of bytes are equal.
package func sameBytes(
  _ a: UnsafeRawBufferPointer,
  _ b: UnsafeRawBufferPointer
) -> Bool {
  guard a.count == b.count else { return false }
  // Without an address there are no bytes.
  guard let first = a.baseAddress, let second = b.baseAddress else {
    return true
  }
  return unsafe memcmp(first, second, a.count) == 0
}
