/// A fast hash of keys that are looked up in a table of our own.
///
/// A hostile file must not be able to choose keys that collide: each table has
/// a seed of its own.
struct SeededHash {
  private let seed = UInt64.random(in: .min ... .max)

  /// The hash of some bytes.
  func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state = seed ^ UInt64(truncatingIfNeeded: bytes.count)
    guard bytes.count >= 8 else {
      var word: UInt64 = 0
      for position in 0..<bytes.count {
        word = unsafe word << 8 | UInt64(bytes[position])
      }
      state = mixed(state, word)
      return state ^ state >> 32
    }
    // The last eight bytes may overlap those before them.
    let last = bytes.count &- 8
    var offset = 0
    while offset < last {
      let word = unsafe bytes.loadUnaligned(
        fromByteOffset: offset,
        as: UInt64.self
      )
      state = mixed(state, word)
      offset &+= 8
    }
    let word = unsafe bytes.loadUnaligned(
      fromByteOffset: last,
      as: UInt64.self
    )
    state = mixed(state, word)
    return state ^ state >> 32
  }

  /// The hash of a number.
  func callAsFunction(_ number: UInt64) -> UInt64 {
    let state = mixed(seed, number)
    return state ^ state >> 32
  }

  @inline(__always)
  private func mixed(_ state: UInt64, _ word: UInt64) -> UInt64 {
    let (high, low) = (state ^ word).multipliedFullWidth(
      by: 0x9E37_79B9_7F4A_7C15
    )
    return high ^ low ^ seed
  }
}
