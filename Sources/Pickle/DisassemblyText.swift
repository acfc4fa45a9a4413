/// The lines of a disassembly, written in place into one buffer.
///
/// A pickle of 100 KB may have a hundred thousand of them, so that no line
/// makes a string or an array of its own.
struct DisassemblyText: ~Copyable {
  private var out = RawVector<UInt8>()
  private let names = Self.names

  /// The bytes that nobody has taken yet.
  var count: Int { out.count }

  /// The text that nobody has taken yet, which is given away.
  mutating func take() -> String {
    let text = unsafe String(decoding: out.elements, as: UTF8.self)
    out.removeLast(out.count)
    return text
  }

  @inline(__always)
  mutating func add(_ byte: UInt8) { out.append(byte) }

  @inline(__always)
  mutating func add(literal words: StaticString) {
    unsafe out.append(from: words.utf8Start, count: words.utf8CodeUnitCount)
  }

  mutating func add(_ words: String) {
    var words = words
    words.withUTF8 {
      guard let start = $0.baseAddress else { return }
      unsafe out.append(from: start, count: $0.count)
    }
  }

  mutating func addSpaces(_ count: Int) {
    out.append(repeating: UInt8(ascii: " "), count: count)
  }

  /// Adds a number in digits, on the right of `width` columns at least.
  mutating func add(_ number: Int64, width: Int = 0) {
    if number < 0 { add(UInt8(ascii: "-")) }
    var rest = number.magnitude
    var size = 1
    var bound: UInt64 = 10
    // The number is below 10^19, which fits.
    while bound <= rest {
      size += 1
      bound *= 10
    }
    addSpaces(width - size)
    let digits = unsafe out.extend(by: size)
    var place = size
    while place > 0 {
      place &-= 1
      let tenth = rest / 10
      let digit = UInt8(truncatingIfNeeded: rest &- tenth &* 10)
      unsafe digits[place] = UInt8(ascii: "0") &+ digit
      rest = tenth
    }
  }

  /// Adds an opcode's byte as a character or an escape, in five columns.
  mutating func addCode(_ opcode: Opcode) {
    let code = opcode.rawValue
    if code < 0x80 {
      add(code)
      addSpaces(4)
    } else {
      add(UInt8(ascii: "\\"))
      add(UInt8(ascii: "x"))
      add(hexDigit(code >> 4))
      add(hexDigit(code & 15))
      add(UInt8(ascii: " "))
    }
  }

  /// Adds an opcode's name, on the left of `width` columns at least.
  mutating func addName(_ opcode: Opcode, width: Int = 0) {
    let start = Int(opcode.rawValue) * Self.nameStride
    let size = Int(names[start])
    unsafe names.withUnsafeBufferPointer {
      for place in start + 1...start + size { unsafe out.append($0[place]) }
    }
    addSpaces(width - size)
  }

  /// The room for a name, its length before it.
  private static let nameStride = 32

  /// All names, each at its opcode's byte times ``nameStride``.
  private static let names: [UInt8] = {
    var names = [UInt8](repeating: 0, count: 256 * nameStride)
    for opcode in Opcode.allCases {
      let start = Int(opcode.rawValue) * nameStride
      let name = opcode.name.utf8.prefix(nameStride - 1)
      names[start] = UInt8(name.count)
      for (place, byte) in name.enumerated() { names[start + 1 + place] = byte }
    }
    return names
  }()
}
