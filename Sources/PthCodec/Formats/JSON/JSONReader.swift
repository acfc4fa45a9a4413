/// Reads JSON (RFC 8259) value by value, without building a tree.
///
/// The caller says what it expects next. Nothing is kept of what it skips, and
/// nothing recurses, so that neither a large nor a deeply nested text takes
/// more memory than the values that the caller keeps.
package struct JSONReader {
  private let text: [UInt8]
  package private(set) var position = 0
  private let base: Int

  /// The deepest nesting that is skipped.
  private static let maxDepth = 512

  /// Starts at a text's beginning.
  ///
  /// - Parameters:
  ///   - text: The text in UTF-8.
  ///   - base: The text's position in its file, for messages.
  package init(_ text: [UInt8], base: Int = 0) {
    self.text = text
    self.base = base
  }

  /// An error at the current position.
  package func failure(_ message: String) -> CheckpointError {
    CheckpointError(.damaged, message, offset: base + position)
  }

  /// Reads an object's members in order.
  ///
  /// - Parameter body: Is given each key, and reads or skips its value.
  /// - Throws: ``CheckpointError`` for what is no object or has a key twice,
  ///   and what `body` throws.
  package mutating func readObject(
    _ body: (String, inout JSONReader) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try expect("{", "an object")
    if consume("}") { return }
    var keys: Set<String> = []
    repeat {
      let key = try readString()
      guard keys.insert(key).inserted else {
        throw failure("the key \"\(key)\" is there twice")
      }
      try expect(":", "a colon after the key")
      try body(key, &self)
    } while consume(",")
    try expect("}", "a comma or the object's end")
  }

  /// Reads an array's elements in order.
  ///
  /// - Parameter body: Reads or skips one element each time.
  /// - Throws: ``CheckpointError`` for what is no array, and what `body` throws.
  package mutating func readArray(
    _ body: (inout JSONReader) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try expect("[", "an array")
    if consume("]") { return }
    repeat { try body(&self) } while consume(",")
    try expect("]", "a comma or the array's end")
  }

  /// Reads a string.
  ///
  /// - Returns: The string with its escapes resolved.
  /// - Throws: ``CheckpointError`` for what is no string, control characters,
  ///   wrong escapes and wrong UTF-8.
  package mutating func readString() throws(CheckpointError) -> String {
    try expect("\"", "a string")
    var bytes: [UInt8] = []
    var start = position
    while position < text.count {
      let byte = text[position]
      if byte == UInt8(ascii: "\"") {
        bytes += text[start..<position]
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw failure("a string is not UTF-8")
        }
        position += 1
        return string
      }
      guard byte >= 0x20 else {
        throw failure("a control character in a string")
      }
      position += 1
      if byte == UInt8(ascii: "\\") {
        bytes += text[start..<(position - 1)]
        try readEscape(into: &bytes)
        start = position
      }
    }
    throw failure("the text ends inside a string")
  }

  private mutating func readEscape(
    into bytes: inout [UInt8]
  ) throws(CheckpointError) {
    guard position < text.count else {
      throw failure("the text ends inside a string")
    }
    let letter = text[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      bytes.append(letter)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0c)
    case UInt8(ascii: "n"): bytes.append(0x0a)
    case UInt8(ascii: "r"): bytes.append(0x0d)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var code = try readHexadecimal()
      if 0xd800..<0xdc00 ~= code {
        guard text[position...].starts(with: [0x5c, 0x75]) else {
          throw failure("half a surrogate pair in a string")
        }
        position += 2
        let low = try readHexadecimal()
        guard 0xdc00..<0xe000 ~= low else {
          throw failure("half a surrogate pair in a string")
        }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw failure("half a surrogate pair in a string")
      }
      bytes += UTF8.encode(scalar).map { Array($0) } ?? []
    default: throw failure("an unknown escape in a string")
    }
  }

  private mutating func readHexadecimal() throws(CheckpointError) -> UInt32 {
    let end = position + 4
    guard end <= text.count,
      text[position..<end].allSatisfy({
        Character(Unicode.Scalar($0)).isHexDigit
      }),
      let code = UInt32(
        String(decoding: text[position..<end], as: UTF8.self),
        radix: 16
      )
    else { throw failure("\\u without four hexadecimal digits") }
    position = end
    return code
  }

  /// Reads an integer that is not negative, in plain digits.
  ///
  /// - Returns: The number.
  /// - Throws: ``CheckpointError`` for other values and what exceeds 63 bits.
  package mutating func readCount() throws(CheckpointError) -> Int {
    let text = try readNumber()
    guard let number = Int(text), number >= 0,
      text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
    else { throw failure("\(text) where a count was expected") }
    return number
  }

  /// Reads a number as it is written.
  ///
  /// - Returns: Its characters.
  /// - Throws: ``CheckpointError`` for what is no number of JSON.
  package mutating func readNumber() throws(CheckpointError) -> String {
    skipSpace()
    let start = position
    while position < text.count, Self.isInNumber(text[position]) {
      position += 1
    }
    let number = String(decoding: text[start..<position], as: UTF8.self)
    let digits = number.utf8.drop { $0 == UInt8(ascii: "-") }
    guard let first = digits.first, Self.isDigit(first),
      digits.count + 1 >= number.utf8.count,
      !(first == UInt8(ascii: "0")
        && digits.dropFirst().first.map(Self.isDigit)
          ?? false),
      let last = digits.last, Self.isDigit(last), Double(number) != nil
    else {
      position = start
      throw failure("a number was expected")
    }
    return number
  }

  private static func isInNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: isDigit(byte)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }

  /// Whether the next value is a string.
  package mutating func isAtString() -> Bool {
    skipSpace()
    return position < text.count && text[position] == UInt8(ascii: "\"")
  }

  /// Skips one value of any kind.
  ///
  /// - Returns: The value's characters as they are.
  /// - Throws: ``CheckpointError`` for what is no JSON, or nested deeper than
  ///   512 levels.
  @discardableResult
  package mutating func skipValue() throws(CheckpointError) -> ArraySlice<UInt8>
  {
    skipSpace()
    let start = position
    var closers: [UInt8] = []
    repeat {
      try skipOneToken(&closers)
    } while !closers.isEmpty
    return text[start..<position]
  }

  private mutating func skipOneToken(
    _ closers: inout [UInt8]
  ) throws(CheckpointError) {
    skipSpace()
    guard position < text.count else {
      throw failure("the text ends too early")
    }
    switch text[position] {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      let isObject = text[position] == UInt8(ascii: "{")
      guard closers.count < Self.maxDepth else {
        throw failure("nested deeper than \(Self.maxDepth) levels")
      }
      position += 1
      closers.append(UInt8(ascii: isObject ? "}" : "]"))
      if isClosing(closers) { break }
      if isObject { try skipKey() }
      return
    case UInt8(ascii: "\""): _ = try readString()
    case UInt8(ascii: "t"): try skipWord("true")
    case UInt8(ascii: "f"): try skipWord("false")
    case UInt8(ascii: "n"): try skipWord("null")
    default: _ = try readNumber()
    }
    // A value has ended: so do the containers whose last it was.
    while let closer = closers.last {
      if isClosing(closers) {
        position += 1
        closers.removeLast()
      } else {
        try expect(",", "a comma or the container's end")
        if closer == UInt8(ascii: "}") { try skipKey() }
        return
      }
    }
  }

  private mutating func isClosing(_ closers: [UInt8]) -> Bool {
    skipSpace()
    return position < text.count && text[position] == closers.last
  }

  private mutating func skipKey() throws(CheckpointError) {
    _ = try readString()
    try expect(":", "a colon after the key")
  }

  private mutating func skipWord(
    _ word: StaticString
  ) throws(CheckpointError) {
    let word = Array("\(word)".utf8)
    guard text[position...].starts(with: word) else {
      throw failure("a value was expected")
    }
    position += word.count
  }

  /// Makes sure that only white space is left.
  ///
  /// - Throws: ``CheckpointError`` for anything else.
  package mutating func expectEnd() throws(CheckpointError) {
    skipSpace()
    guard position == text.count else {
      throw failure("characters after the end of the JSON text")
    }
  }

  private mutating func skipSpace() {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x0a, 0x0d, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func consume(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: character)
    else { return false }
    position += 1
    return true
  }

  private mutating func expect(
    _ character: Unicode.Scalar,
    _ what: String
  ) throws(CheckpointError) {
    guard consume(character) else { throw failure("\(what) was expected") }
  }
}
