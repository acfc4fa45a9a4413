extension PickleGraph {
  /// A string's text, nil for another kind.
  ///
  /// A string with lone surrogates, which Python allows, is no Swift string
  /// and gives nil too: ``stringBytes(_:)`` has it.
  public func string(_ id: NodeID) -> String? {
    let node = node(id)
    guard node.isKind(.string), !node.has(.surrogates) else { return nil }
    return unsafe withBytes(node) { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// Whether the value is a string with this text; makes no string.
  public func string(_ id: NodeID, equals text: StaticString) -> Bool {
    let node = node(id)
    guard node.isKind(.string), text.hasPointerRepresentation else {
      return false
    }
    let expected = unsafe UnsafeRawBufferPointer(
      start: text.utf8Start,
      count: text.utf8CodeUnitCount
    )
    return unsafe withBytes(node) { unsafe sameBytes($0, expected) }
  }

  /// Whether the value is a string with this text; makes no string.
  public func string(_ id: NodeID, equals text: String) -> Bool {
    let node = node(id)
    guard node.isKind(.string) else { return false }
    return unsafe withBytes(node) { bytes in
      let utf8 = text.utf8
      guard utf8.count == bytes.count else { return false }
      return unsafe utf8.withContiguousStorageIfAvailable {
        unsafe sameBytes(bytes, UnsafeRawBufferPointer($0))
      } ?? utf8.elementsEqual(bytes)
    }
  }

  /// A string's bytes in UTF-8, lone surrogates as three bytes each; nil for
  /// another kind.
  public func stringBytes(_ id: NodeID) -> [UInt8]? {
    let node = node(id)
    guard node.isKind(.string) else { return nil }
    return unsafe withBytes(node) { unsafe Array($0) }
  }

  /// Whether a string has lone surrogates, so that ``string(_:)`` is nil.
  public func hasSurrogates(_ id: NodeID) -> Bool {
    let node = node(id)
    return node.isKind(.string) && node.has(.surrogates)
  }

  /// Whether the value is a Python 2 `str`, which may be text or bytes.
  ///
  /// One that is UTF-8 has the kind `string`, another `bytes`.
  public func isPython2String(_ id: NodeID) -> Bool {
    let node = node(id)
    return (node.isKind(.string) || node.isKind(.bytes)) && node.has(.python2)
  }

  /// A copy of the bytes of a `bytes` or `byteArray` value, nil for another
  /// kind.
  public func bytes(_ id: NodeID) -> [UInt8]? {
    let node = node(id)
    guard node.isKind(.bytes) || node.isKind(.byteArray) else { return nil }
    return unsafe withBytes(node) { unsafe Array($0) }
  }

  /// Calls `body` with the bytes of a string, `bytes` or `byteArray` value,
  /// in place; nil for another kind.
  ///
  /// - Parameters:
  ///   - id: The value.
  ///   - body: Must not keep the bytes.
  /// - Returns: What `body` returns.
  public func withUnsafeBytes<R>(
    of id: NodeID,
    _ body: (UnsafeRawBufferPointer) -> R
  ) -> R? {
    let node = node(id)
    guard
      node.isKind(.string) || node.isKind(.bytes) || node.isKind(.byteArray)
    else { return nil }
    return unsafe withBytes(node, body)
  }

  /// Calls `body` with the bytes that a node refers to, wherever they are.
  @inline(__always)
  func withBytes<R>(
    _ node: Node,
    _ body: (UnsafeRawBufferPointer) -> R
  ) -> R {
    let empty = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    if node.has(.pooled) {
      let range = arena.storage.poolRanges[Int(node.payload)]
      let pool = unsafe UnsafeRawBufferPointer(arena.storage.pool.elements)
      return withExtendedLifetime(arena) {
        unsafe body(
          UnsafeRawBufferPointer(rebasing: pool[range.start..<range.end])
        )
      }
    }
    guard let source = arena.source else { return unsafe body(empty) }
    let start = node.offset + Int(node.payload >> 48)
    let end = start + Int(node.payload & 0xffff_ffff_ffff)
    return withExtendedLifetime(arena) {
      unsafe body(UnsafeRawBufferPointer(rebasing: source.bytes[start..<end]))
    }
  }
}
