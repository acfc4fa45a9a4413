/// Reads a pickle opcode by opcode, without carrying any out.
@safe
struct OpcodeReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position: Int
  /// Where the latest opcode starts.
  private(set) var offset: Int

  init(_ source: PickleSource, at offset: Int) {
    unsafe bytes = source.bytes
    position = offset < 0 || offset > source.count ? source.count : offset
    self.offset = position
  }

  /// How many bytes there are in all.
  var count: Int { unsafe bytes.count }

  /// An opcode's argument.
  enum Argument {
    case number(Int64)
    case flag(Bool)
    /// Anything else, as `pickletools` shows it.
    case text(String)

    /// The argument as `pickletools` shows it.
    var text: String {
      switch self {
      case .number(let value): "\(value)"
      case .flag(let value): value ? "True" : "False"
      case .text(let text): text
      }
    }

    /// The number that it is for Python.
    var number: Int64? {
      switch self {
      case .number(let value): value
      case .flag(let value): value ? 1 : 0
      case .text: nil
      }
    }
  }

  /// Reads the next opcode and its argument.
  mutating func next() throws(PickleError) -> (opcode: Opcode, Argument?) {
    offset = position
    guard unsafe position < bytes.count else {
      throw PickleError(.truncated(needed: 1, available: 0), offset: offset)
    }
    let byte = unsafe bytes[position]
    guard let opcode = Opcode(rawValue: byte) else {
      throw PickleError(.unknownOpcode(byte), offset: offset)
    }
    position += 1
    guard let kind = StackEffect.table[Int(byte)]?.argument else {
      return (opcode, nil)
    }
    return (opcode, try readArgument(kind))
  }

  private mutating func readArgument(
    _ kind: Opcode.ArgumentKind
  ) throws(PickleError) -> Argument {
    switch kind {
    case .uint1: return .number(Int64(try read(UInt8.self)))
    case .uint2: return .number(Int64(try read(UInt16.self)))
    case .uint4: return .number(Int64(try read(UInt32.self)))
    case .int4: return .number(Int64(try read(Int32.self)))
    case .uint8: return .text("\(try read(UInt64.self))")
    case .decimalLine: return try decimalLine()
    case .longLine: return try longLine()
    case .long1: return try long(length: Int(try read(UInt8.self)))
    case .long4: return try long(length: Int(try read(Int32.self)))
    case .quotedLine: return try quotedLine()
    case .line: return .text(quoted(try line()))
    case .linePair:
      let module = try line()
      return .text(quoted(module + [0x20] + (try line())))
    case .unicodeLine:
      guard let text = unsafe EscapedText.unicode(try rawLine()) else {
        throw invalid("\\uXXXX or \\UXXXXXXXX", "a broken escape")
      }
      return .text(quoted(text))
    case .string1: return unsafe latin1(try take(Int(try read(UInt8.self))))
    case .string4: return unsafe latin1(try take(Int(try read(Int32.self))))
    case .bytes1: return unsafe plainBytes(try take(Int(try read(UInt8.self))))
    case .bytes4: return unsafe plainBytes(try take(Int(try read(UInt32.self))))
    case .bytes8: return unsafe plainBytes(try take(try length8()))
    case .byteArray8:
      let bytes = try unsafe take(try length8())
      return .text("bytearray(" + (unsafe PythonRepr.bytes(bytes)) + ")")
    case .unicode1: return try unicode(Int(try read(UInt8.self)))
    case .unicode4: return try unicode(Int(try read(UInt32.self)))
    case .unicode8: return try unicode(try length8())
    case .floatLine:
      let line = try unsafe rawLine()
      guard let value = unsafe PythonFloat.parse(line) else {
        throw unsafe invalid("a decimal float", shown(line))
      }
      return .text(PythonFloat.repr(value))
    case .float8:
      let bits = try read(UInt64.self).byteSwapped
      return .text(PythonFloat.repr(Double(bitPattern: bits)))
    }
  }

  // MARK: Pieces

  private func failure(_ kind: PickleError.Kind) -> PickleError {
    let opcode =
      unsafe offset < bytes.count
      ? Opcode(rawValue: bytes[offset]) : nil
    return PickleError(kind, offset: offset, opcode: opcode)
  }

  private func invalid(_ expected: String, _ found: String) -> PickleError {
    failure(.invalidArgument(expected: expected, found: found))
  }

  private mutating func take(
    _ length: Int
  ) throws(PickleError) -> UnsafeRawBufferPointer {
    guard length >= 0 else {
      throw invalid("a length of 0 or more", "\(length)")
    }
    let available = unsafe bytes.count - position
    guard length <= available else {
      throw failure(.truncated(needed: length, available: available))
    }
    defer { position += length }
    return unsafe UnsafeRawBufferPointer(
      rebasing: bytes[position..<position + length]
    )
  }

  private mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
    _ type: T.Type
  ) throws(PickleError) -> T {
    let bytes = try unsafe take(MemoryLayout<T>.size)
    return unsafe T(littleEndian: bytes.loadUnaligned(as: T.self))
  }

  private mutating func length8() throws(PickleError) -> Int {
    let length = try read(UInt64.self)
    guard let length = Int(exactly: length) else {
      throw unsafe failure(
        .truncated(needed: Int.max, available: bytes.count - position)
      )
    }
    return length
  }

  private mutating func rawLine() throws(PickleError) -> UnsafeRawBufferPointer
  {
    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[position...])
    guard let base = rest.baseAddress,
      let size = unsafe lengthOfLine(base, limit: rest.count)
    else { throw failure(.unterminatedLine) }
    position += size + 1
    return unsafe UnsafeRawBufferPointer(rebasing: rest[..<size])
  }

  /// A line with the escapes undone, as `pickletools` reads even those that
  /// have none; it may be UTF-8, where `pickletools` gives up.
  private mutating func line() throws(PickleError) -> [UInt8] {
    guard let text = unsafe EscapedText.bytes(try rawLine()) else {
      throw invalid("Python's escapes", "a broken escape")
    }
    let check = unsafe text.withUnsafeBytes { unsafe UTF8Check.check($0) }
    if case .invalid(let place) = check {
      throw failure(.invalidUTF8(at: offset + 1 + place))
    }
    return text
  }

  private func quoted(_ utf8: [UInt8]) -> String {
    unsafe utf8.withUnsafeBytes { unsafe PythonRepr.string($0) }
  }

  private func shown(_ line: UnsafeRawBufferPointer) -> String {
    unsafe "\"" + String(decoding: line.prefix(40), as: UTF8.self) + "\""
  }

  private mutating func decimalLine() throws(PickleError) -> Argument {
    let line = try unsafe rawLine()
    switch unsafe Array(line.prefix(3)) {
    case [0x30, 0x30]: return .flag(false)
    case [0x30, 0x31]: return .flag(true)
    default: return try unsafe decimal(line)
    }
  }

  private mutating func longLine() throws(PickleError) -> Argument {
    var line = try unsafe rawLine()
    if unsafe line.last == UInt8(ascii: "L") {
      unsafe line = UnsafeRawBufferPointer(rebasing: line.dropLast())
    }
    return try unsafe decimal(line)
  }

  private func decimal(
    _ line: UnsafeRawBufferPointer
  ) throws(PickleError) -> Argument {
    guard let digits = unsafe DecimalDigits(line) else {
      throw unsafe invalid("a decimal integer", shown(line))
    }
    if let value = digits.int64 { return .number(value) }
    let text = String(decoding: digits.digits, as: UTF8.self)
    let trimmed = text.drop { $0 == "0" }
    return .text((digits.isNegative ? "-" : "") + trimmed)
  }

  private mutating func long(length: Int) throws(PickleError) -> Argument {
    let bytes = try unsafe take(length)
    let size = unsafe TwosComplement.significantBytes(bytes)
    guard size <= TwosComplement.maxDecimalBytes else {
      throw failure(
        .tooMuchToShow("\(TwosComplement.maxDecimalBytes) bytes of an integer")
      )
    }
    return .text(TwosComplement.decimal(unsafe Array(bytes.prefix(size))))
  }

  private mutating func quotedLine() throws(PickleError) -> Argument {
    let line = try unsafe rawLine()
    guard line.count >= 2, let quote = unsafe line.first,
      unsafe quote == line[line.count - 1],
      quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
      let text = unsafe EscapedText.bytes(
        UnsafeRawBufferPointer(rebasing: line[1..<line.count - 1])
      )
    else { throw unsafe invalid("a string in quotes", shown(line)) }
    return .text(latin1(text))
  }

  private func latin1(_ bytes: [UInt8]) -> String {
    unsafe bytes.withUnsafeBytes { bytes in
      quoted(unsafe EscapedText.latin1(bytes))
    }
  }

  private func latin1(_ bytes: UnsafeRawBufferPointer) -> Argument {
    .text(quoted(unsafe EscapedText.latin1(bytes)))
  }

  private func plainBytes(_ bytes: UnsafeRawBufferPointer) -> Argument {
    .text(unsafe PythonRepr.bytes(bytes))
  }

  private mutating func unicode(
    _ length: Int
  ) throws(PickleError) -> Argument {
    let start = position
    let bytes = try unsafe take(length)
    if case .invalid(let place) = unsafe UTF8Check.check(bytes) {
      throw failure(.invalidUTF8(at: start + place))
    }
    return .text(unsafe PythonRepr.string(bytes))
  }
}
