extension TorchGenerator {
  /// The length of ``stateBytes``.
  public static let stateByteCount = 5056

  /// The bytes of the normal distribution's kept values, at the end.
  static let tailByteCount = 40

  /// What `torch.get_rng_state()` gives: 5056 bytes.
  ///
  /// The seed, the words left, a flag, the next word's index, 624 words of 64
  /// bits, and 40 bytes of the normal distribution, all little-endian.
  public var stateBytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.stateByteCount)
    bytes.append(littleEndian: seed)
    bytes.append(littleEndian: UInt32(truncatingIfNeeded: left))
    bytes.append(littleEndian: UInt32(1))
    bytes.append(littleEndian: UInt64(truncatingIfNeeded: next))
    for word in words { bytes.append(littleEndian: UInt64(word)) }
    return bytes + tail
  }

  /// Goes on from what `torch.get_rng_state()` gave.
  ///
  /// - Parameter stateBytes: 5056 bytes.
  /// - Throws: ``ConvNetError`` where they are no such state.
  public init(stateBytes: [UInt8]) throws(ConvNetError) {
    guard stateBytes.count == Self.stateByteCount else {
      throw .state(
        "the random state has \(stateBytes.count) bytes, "
          + "expected \(Self.stateByteCount)"
      )
    }
    let left = stateBytes.littleEndian(at: 8, count: 4)
    let next = stateBytes.littleEndian(at: 16, count: 8)
    let length = UInt64(Self.length)
    guard stateBytes.littleEndian(at: 12, count: 4) == 1,
      (1...length).contains(left), next <= length,
      left + next == length + 1 || (left == 1 && next == 0)
    else {
      throw .state("the random state is not that of a seeded generator")
    }
    self.init(
      seed: stateBytes.littleEndian(at: 0, count: 8),
      words: (0..<Self.length).map {
        UInt32(
          truncatingIfNeeded: stateBytes.littleEndian(at: 24 + 8 * $0, count: 8)
        )
      },
      left: Int(left),
      next: Int(next),
      tail: Array(stateBytes.suffix(Self.tailByteCount))
    )
  }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
    for byte in 0..<value.bitWidth / 8 {
      append(UInt8(truncatingIfNeeded: value >> (8 * byte)))
    }
  }

  fileprivate func littleEndian(at start: Int, count: Int) -> UInt64 {
    self[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
