extension Machine {
  /// The next `length` bytes, which are really there.
  @inline(__always)
  private mutating func take(
    _ length: Int
  ) throws(PickleError) -> UnsafeRawBufferPointer {
    guard length <= end &- position else { throw truncation(needed: length) }
    let bytes = unsafe UnsafeRawBufferPointer(
      start: base + position,
      count: length
    )
    position &+= length
    return unsafe bytes
  }

  /// The payload of bytes that are `header` bytes after the opcode.
  @inline(__always)
  private mutating func inPlace(_ length: Int, header: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: length)
      | UInt64(truncatingIfNeeded: header) << 48
  }

  @inline(__always)
  mutating func pushString(length: Int, header: Int) throws(PickleError) {
    let bytes = try unsafe take(length)
    var flags: Node.Flags = []
    if unsafe !isASCII(bytes) {
      switch unsafe UTF8Check.check(bytes) {
      case .text: break
      case .surrogates: flags = .surrogates
      case .invalid(let place):
        throw failure(.invalidUTF8(at: position - length + place))
      }
    }
    try make(
      Node(
        .string,
        flags: flags,
        offset: opcodeOffset,
        inPlace(length, header: header)
      )
    )
  }

  mutating func pushBytes(
    _ kind: PickleGraph.Kind,
    length: Int,
    header: Int
  ) throws(PickleError) {
    _ = try unsafe take(length)
    try make(kind, inPlace(length, header: header))
  }

  mutating func runBinString() throws(PickleError) {
    let length = Int(try read(Int32.self))
    guard length >= 0 else {
      throw failure(
        .invalidArgument(expected: "a length of 0 or more", found: "\(length)")
      )
    }
    try pushPython2(length: length, header: 5)
  }

  mutating func pushPython2(length: Int, header: Int) throws(PickleError) {
    let bytes = try unsafe take(length)
    try unsafe makePython2(bytes, payload: inPlace(length, header: header), [])
  }

  private mutating func makePython2(
    _ bytes: UnsafeRawBufferPointer,
    payload: UInt64,
    _ flags: Node.Flags
  ) throws(PickleError) {
    let isText =
      unsafe isASCII(bytes) || UTF8Check.check(bytes) == .text
    try make(
      Node(
        isText ? .string : .bytes,
        flags: flags.union(.python2),
        offset: opcodeOffset,
        payload
      )
    )
  }

  /// STRING: a quoted line with Python's escapes.
  mutating func runQuotedLine() throws(PickleError) {
    let line = try unsafe readLine()
    guard line.count >= 2, let quote = unsafe line.first,
      unsafe quote == line[line.count - 1],
      quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
    else {
      throw failure(
        .invalidArgument(
          expected: "a string in quotes",
          found: "no quotes around it"
        )
      )
    }
    let inner = unsafe UnsafeRawBufferPointer(
      rebasing: line[1..<line.count - 1]
    )
    guard unsafe inner.contains(UInt8(ascii: "\\")) else {
      return try unsafe makePython2(
        inner,
        payload: inPlace(inner.count, header: 2),
        []
      )
    }
    guard let plain = unsafe EscapedText.bytes(inner) else {
      throw failure(
        .invalidArgument(
          expected: "Python's escapes",
          found: "a broken escape"
        )
      )
    }
    let kept = unsafe plain.withUnsafeBytes { unsafe arena.keep($0) }
    let isText = unsafe plain.withUnsafeBytes {
      unsafe UTF8Check.check($0) == .text
    }
    try make(
      Node(
        isText ? .string : .bytes,
        flags: [.python2, .pooled],
        offset: opcodeOffset,
        kept
      )
    )
  }

  /// UNICODE: a raw-unicode-escape line.
  mutating func runUnicodeLine() throws(PickleError) {
    let line = try unsafe readLine()
    if unsafe isASCII(line) && !line.contains(UInt8(ascii: "\\")) {
      return try make(.string, inPlace(line.count, header: 1))
    }
    guard let plain = unsafe EscapedText.unicode(line) else {
      throw failure(
        .invalidArgument(
          expected: "\\uXXXX or \\UXXXXXXXX",
          found: "a broken escape"
        )
      )
    }
    var flags: Node.Flags = .pooled
    let check = unsafe plain.withUnsafeBytes { unsafe UTF8Check.check($0) }
    if check == .surrogates { flags.insert(.surrogates) }
    let kept = unsafe plain.withUnsafeBytes { unsafe arena.keep($0) }
    try make(Node(.string, flags: flags, offset: opcodeOffset, kept))
  }
}
