#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How many bytes come before the next newline, nil without one.
func lengthOfLine(_ start: UnsafeRawPointer, limit: Int) -> Int? {
  guard limit > 0, let found = unsafe memchr(start, 0x0a, limit) else {
    return nil
  }
  return unsafe UnsafeRawPointer(found) - start
}

/// Whether all bytes are below 128; eight are looked at in one go.
@inline(__always)
func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
  let count = bytes.count
  guard count > 0, let base = bytes.baseAddress else { return true }
  let high: UInt64 = 0x8080_8080_8080_8080
  if count >= 8 {
    var i = 0
    var seen: UInt64 = 0
    while i &+ 8 <= count {
      seen |= unsafe base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
      i &+= 8
    }
    seen |= unsafe base.loadUnaligned(
      fromByteOffset: count &- 8,
      as: UInt64.self
    )
    return seen & high == 0
  }
  if count >= 4 {
    let seen =
      unsafe base.loadUnaligned(as: UInt32.self)
      | base.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
    return seen & 0x8080_8080 == 0
  }
  var seen: UInt8 = 0
  for i in 0..<count {
    seen |= unsafe base.load(fromByteOffset: i, as: UInt8.self)
  }
  return seen < 128
}

/// Checks UTF-8 as Python does with `surrogatepass`.
enum UTF8Check: Equatable {
  case text
  /// UTF-8 but for surrogates, encoded in three bytes each.
  case surrogates
  case invalid(at: Int)

  static func check(_ bytes: UnsafeRawBufferPointer) -> UTF8Check {
    var surrogates = false
    var i = 0
    let count = bytes.count
    while i < count {
      let first = unsafe bytes[i]
      if first < 0x80 {
        i += 1
        continue
      }
      let size: Int
      var lowest: UInt8 = 0x80
      var highest: UInt8 = 0xbf
      switch first {
      case 0xc2...0xdf: size = 2
      case 0xe0...0xef:
        size = 3
        if first == 0xe0 { lowest = 0xa0 }
      case 0xf0...0xf4:
        size = 4
        if first == 0xf0 { lowest = 0x90 }
        if first == 0xf4 { highest = 0x8f }
      default: return .invalid(at: i)
      }
      guard i + size <= count,
        unsafe bytes[i + 1] >= lowest && bytes[i + 1] <= highest
      else { return .invalid(at: i) }
      for k in 2..<max(size, 2) {
        guard unsafe bytes[i + k] & 0xc0 == 0x80 else {
          return .invalid(at: i)
        }
      }
      if first == 0xed, unsafe bytes[i + 1] >= 0xa0 { surrogates = true }
      i += size
    }
    return surrogates ? .surrogates : .text
  }
}
