extension PickleGraph {
  /// A key that stands twice among those of a dictionary, of which Python
  /// keeps the last value.
  ///
  /// Texts, bytes and numbers are compared as Python does: 1, 1.0 and `True`
  /// are one key. Of texts of more than 512 bytes only the length and both ends
  /// count; other values are the same only where they are one node.
  ///
  /// - Parameter pairs: The dictionary's keys and values.
  /// - Returns: The later of the two keys; nil where all are different.
  public func repeatedKey(in pairs: Pairs) -> NodeID? {
    pairs.count > 1 ? firstRepeated(pairs) : nil
  }

  /// A key that stands twice among items that stand in lists, as Python 2
  /// writes an OrderedDict.
  ///
  /// - Parameter pairs: The keys and values.
  /// - Returns: The later of the two keys; nil where all are different.
  public func repeatedKey(
    in pairs: [(key: NodeID, value: NodeID)]
  ) -> NodeID? {
    pairs.count > 1 ? firstRepeated(pairs) : nil
  }

  private func firstRepeated(
    _ pairs: some RandomAccessCollection<(key: NodeID, value: NodeID)>
  ) -> NodeID? {
    guard pairs.count > 8 else {
      return pairs.indices.lazy.map { (pairs[$0].key, pairs[..<$0]) }
        .first { key, others in others.contains { isSame($0.key, key) } }?.0
    }
    var size = 32
    while size < pairs.count &+ pairs.count / 3 { size &*= 2 }
    // The upper half of the key's hash and its node, or 0.
    var slots = [UInt64](repeating: 0, count: size)
    let hash = SeededHash()
    for (key, _) in pairs {
      let hash = self.hash(key, hash)
      var slot = Int(truncatingIfNeeded: hash) & (size &- 1)
      let upper = hash >> 32
      while slots[slot] != 0 {
        let known = slots[slot] &- 1
        let other = NodeID(UInt32(truncatingIfNeeded: known))
        if known >> 32 == upper, isSame(other, key) { return key }
        slot = (slot &+ 1) & (size &- 1)
      }
      slots[slot] = (upper << 32 | UInt64(key.raw)) &+ 1
    }
    return nil
  }

  /// Whether Python takes two keys for one.
  private func isSame(_ a: NodeID, _ b: NodeID) -> Bool {
    if a == b { return true }
    switch (kind(a), kind(b)) {
    case (.string, .string), (.bytes, .bytes):
      return unsafe withBytes(node(a)) { first in
        unsafe withBytes(node(b)) { second in
          let (head, tail) = unsafe Self.ends(of: first)
          let (otherHead, otherTail) = unsafe Self.ends(of: second)
          return unsafe first.count == second.count
            && sameBytes(head, otherHead) && sameBytes(tail, otherTail)
        }
      }
    case (.none, .none): return true
    case (.bigInt, .bigInt): return bigIntBytes(a) == bigIntBytes(b)
    case (.global, .global):
      return globalNumber(a).map { $0 == globalNumber(b) } ?? false
    default:
      guard let number = number(a) else { return false }
      return number == self.number(b)
    }
  }

  private func hash(_ key: NodeID, _ hash: SeededHash) -> UInt64 {
    let node = node(key)
    if node.isKind(.string) || node.isKind(.bytes) || node.isKind(.bigInt) {
      return unsafe withBytes(node) { bytes in
        guard bytes.count > Self.longestKey else { return unsafe hash(bytes) }
        let (head, tail) = unsafe Self.ends(of: bytes)
        return unsafe hash(hash(head) ^ hash(tail))
      }
    }
    switch node.kind {
    case .none: return hash(0)
    case .global:
      return hash(UInt64(truncatingIfNeeded: globalNumber(key) ?? key.index))
    default:
      return hash(number(key).map(\.bits) ?? UInt64(key.raw))
    }
  }

  /// A text, or both ends of one that is too long for a name: thousands of
  /// dictionaries may have it.
  private static func ends(
    of bytes: UnsafeRawBufferPointer
  ) -> (head: UnsafeRawBufferPointer, tail: UnsafeRawBufferPointer) {
    guard bytes.count > longestKey else {
      return unsafe (bytes, UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return unsafe (
      UnsafeRawBufferPointer(rebasing: bytes.prefix(256)),
      UnsafeRawBufferPointer(rebasing: bytes.suffix(256))
    )
  }

  /// The bytes of the longest text that is compared as a whole.
  private static var longestKey: Int { 512 }

  private enum Number: Equatable {
    case int(Int)
    case float(Double)

    var bits: UInt64 {
      switch self {
      case .int(let value): UInt64(truncatingIfNeeded: value)
      case .float(let value): value.bitPattern
      }
    }
  }

  private func number(_ id: NodeID) -> Number? {
    switch kind(id) {
    case .bool: return bool(id).map { .int($0 ? 1 : 0) }
    case .int: return int(id).map { .int($0) }
    case .float:
      guard let value = float(id) else { return nil }
      return Int(exactly: value).map { .int($0) } ?? .float(value)
    default: return nil
    }
  }
}
