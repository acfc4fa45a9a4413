extension Machine {
  mutating func runLong4() throws(PickleError) {
    let length = Int(try read(Int32.self))
    guard length >= 0 else {
      throw failure(
        .invalidArgument(expected: "a length of 0 or more", found: "\(length)")
      )
    }
    try runLong(length: length, header: 5)
  }

  /// LONG1 and LONG4: two's complement, little-endian.
  mutating func runLong(length: Int, header: Int) throws(PickleError) {
    guard length <= end - position else { throw truncation(needed: length) }
    guard length <= limits.maxIntegerBytes else {
      throw failure(
        .limitExceeded(name: "maxIntegerBytes", limit: limits.maxIntegerBytes)
      )
    }
    let bytes = unsafe UnsafeRawBufferPointer(
      start: base + position,
      count: length
    )
    position += length
    let size = unsafe TwosComplement.significantBytes(bytes)
    if size <= 8 {
      return try make(
        .int,
        unsafe UInt64(bitPattern: TwosComplement.small(bytes))
      )
    }
    try make(
      .bigInt,
      UInt64(truncatingIfNeeded: size)
        | UInt64(truncatingIfNeeded: header) << 48
    )
  }

  /// INT: `00` and `01` are booleans.
  mutating func runIntLine() throws(PickleError) {
    let line = try unsafe readLine()
    if line.count == 2, unsafe line[0] == UInt8(ascii: "0"),
      unsafe line[1] == UInt8(ascii: "0") || line[1] == UInt8(ascii: "1")
    {
      return try make(.bool, unsafe line[1] == UInt8(ascii: "1") ? 1 : 0)
    }
    try unsafe makeDecimal(line)
  }

  /// LONG: may end in `L`.
  mutating func runLongLine() throws(PickleError) {
    var line = try unsafe readLine()
    if unsafe line.last == UInt8(ascii: "L") {
      unsafe line = UnsafeRawBufferPointer(rebasing: line.dropLast())
    }
    try unsafe makeDecimal(line)
  }

  private mutating func makeDecimal(
    _ line: UnsafeRawBufferPointer
  ) throws(PickleError) {
    guard let number = unsafe DecimalDigits(line), !number.hasLeadingZero else {
      throw unsafe badNumber("a decimal integer", line)
    }
    if let value = number.int64 {
      return try make(.int, UInt64(bitPattern: value))
    }
    guard number.digits.count <= limits.maxIntegerDigits else {
      throw failure(
        .limitExceeded(
          name: "maxIntegerDigits",
          limit: limits.maxIntegerDigits
        )
      )
    }
    let bytes = number.twosComplement()
    let kept = unsafe bytes.withUnsafeBytes { unsafe arena.keep($0) }
    try make(
      Node(.bigInt, flags: .pooled, offset: opcodeOffset, kept)
    )
  }

  /// The argument of PUT and GET.
  mutating func readMemoLine() throws(PickleError) -> Int {
    let line = try unsafe readLine()
    guard let value = unsafe DecimalDigits(line)?.int64, value >= 0 else {
      throw unsafe badNumber("a memo index", line)
    }
    return Int(truncatingIfNeeded: value)
  }

  mutating func runFloatLine() throws(PickleError) {
    let line = try unsafe readLine()
    guard let value = unsafe PythonFloat.parse(line) else {
      throw unsafe badNumber("a decimal float", line)
    }
    try make(.float, value.bitPattern)
  }

  @inline(never)
  private mutating func badNumber(
    _ expected: String,
    _ line: UnsafeRawBufferPointer
  ) -> PickleError {
    let shown = unsafe String(decoding: line.prefix(40), as: UTF8.self)
    return failure(
      .invalidArgument(expected: expected, found: "\"\(shown)\"")
    )
  }
}
