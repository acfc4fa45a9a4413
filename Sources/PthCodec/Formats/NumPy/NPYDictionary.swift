/// Reads the dictionary in the head of a npy file: three keys, in any order.
struct NPYDictionary {
  private let text: [UInt8]
  private let base: Int
  private var position = 0

  /// What the dictionary says.
  struct Fields {
    var descr = ""
    var isFortran = false
    var shape: [Int] = []
  }

  /// The most dimensions that NumPy's arrays have.
  private static let maxRank = 64

  init(_ text: [UInt8], base: Int) {
    self.text = text
    self.base = base
  }

  /// Reads the whole text.
  ///
  /// - Throws: ``CheckpointError`` for any other text, and for elements that
  ///   are records.
  mutating func parse() throws(CheckpointError) -> Fields {
    var fields = Fields()
    var seen: Set<String> = []
    try expect("{")
    while !consume("}") {
      let key = try readString()
      guard seen.insert(key).inserted else {
        throw failure("the key '\(key)' is there twice")
      }
      try expect(":")
      switch key {
      case "descr":
        skipSpace()
        guard peek() != UInt8(ascii: "[") else {
          throw CheckpointError(
            .unsupported,
            "its elements are records, not numbers: an array of records is no "
              + "tensor",
            offset: base + position
          )
        }
        fields.descr = try readString()
      case "fortran_order": fields.isFortran = try readTruth()
      case "shape": fields.shape = try readTuple()
      default: throw failure("'\(key)' is no key of an array's head")
      }
      if !consume(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == text.count, seen.count == 3 else {
      throw failure(
        "the head needs exactly the keys descr, fortran_order and shape"
      )
    }
    return fields
  }

  private mutating func readString() throws(CheckpointError) -> String {
    skipSpace()
    guard let quote = peek(),
      quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
    else { throw failure("a string was expected") }
    let start = position + 1
    guard let end = text[start...].firstIndex(of: quote),
      !text[start..<end].contains(UInt8(ascii: "\\")),
      let string = String(validating: text[start..<end], as: UTF8.self)
    else { throw failure("a string without escapes was expected") }
    position = end + 1
    return string
  }

  private mutating func readTruth() throws(CheckpointError) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw failure("True or False was expected")
  }

  private mutating func readTuple() throws(CheckpointError) -> [Int] {
    var sizes: [Int] = []
    try expect("(")
    while !consume(")") {
      skipSpace()
      let digits = text[position...].prefix {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
      }
      guard let size = Int(String(decoding: digits, as: UTF8.self)),
        sizes.count < Self.maxRank
      else {
        throw failure("a size was expected, of at most \(Self.maxRank)")
      }
      sizes.append(size)
      position = digits.endIndex
      // Python 2 marked its long integers.
      if peek() == UInt8(ascii: "L") { position += 1 }
      if !consume(",") {
        try expect(")")
        break
      }
    }
    return sizes
  }

  private func peek() -> UInt8? {
    position < text.count ? text[position] : nil
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0a { position += 1 }
  }

  private mutating func consume(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(
    _ character: Unicode.Scalar
  ) throws(CheckpointError) {
    guard consume(character) else { throw failure("\(character) was expected") }
  }

  private func failure(_ message: String) -> CheckpointError {
    CheckpointError(
      .damaged,
      "the array's head can't be read: \(message)",
      offset: base + position
    )
  }
}
