import Pickle
import TestSupport
import Testing

@Suite struct DisassemblerTests {
  static let shown = CPythonPickle.all.filter { pickle in
    let names = try? Fixture.names(
      in: "pickle/protocol\(pickle.version)",
      suffix: ".txt"
    )
    return names?.contains(pickle.shownPath) == true
  }

  @Test func mostPicklesAreShown() { #expect(Self.shown.count > 120) }

  @Test(arguments: shown)
  func theTextIsThatOfPickletools(_ pickle: CPythonPickle) throws {
    let expected = String(
      decoding: try Fixture.bytes(pickle.shownPath),
      as: UTF8.self
    )
    let source = PickleSource(try pickle.bytes())
    var text = ""
    let end = try Disassembler.disassemble(source, to: &text)
    #expect(end == source.count)
    let lines = zip(
      text.split(separator: "\n"),
      expected.split(separator: "\n")
    )
    for (line, expectedLine) in lines { try #require(line == expectedLine) }
    #expect(text == expected)
  }

  /// What pickletools 3.11 prints of these bytes.
  @Test(arguments: [
    ("I00\nI01\nI-7\nttt.", "    0: I    INT        False"),
    ("L12L\n.", "    0: L    LONG       12"),
    ("F1e5\n.", "    0: F    FLOAT      100000.0"),
    ("S'a\\x00b'\n.", "    0: S    STRING     'a\\x00b'"),
    ("U\u{02}\u{e9}'.", "    0: U    SHORT_BINSTRING \"é'\""),
    ("T\u{01}\u{00}\u{00}\u{00}a.", "    0: T    BINSTRING  'a'"),
    ("V\\u00e9\n.", "    0: V    UNICODE    'é'"),
    ("Pabc\n.", "    0: P    PERSID     'abc'"),
    ("ios\nf\n.", "    0: i    INST       'os f' no MARK exists on stack"),
    ("\u{82}\u{07}.", "    0: \\x82 EXT1       7"),
    ("\u{84}\u{01}\u{00}\u{00}\u{80}.", "    0: \\x84 EXT4       -2147483647"),
    ("\u{97}.", "    0: \\x97 NEXT_BUFFER"),
    ("C\u{01}\u{ff}.", "    0: C    SHORT_BINBYTES b'\\xff'"),
  ])
  func anArgumentIsShownAsPythonShowsIt(_ text: String, _ line: String) {
    var lines: [String] = []
    _ = try? Disassembler.disassemble(PickleSource(bytes(text))) {
      lines.append($0)
    }
    #expect(lines.first == line)
  }

  @Test(arguments: [
    ("(K\u{01}", "ends early"),
    ("\u{ff}", "expected an opcode"),
    ("t.", "expected a mark"),
    ("h\u{05}.", "memo entry 5"),
    ("Nq\u{00}q\u{00}.", "a new memo key"),
    ("q\u{00}.", "an empty stack"),
    ("(q\u{00}.", "a mark"),
    ("R.", "expected 2 values"),
    ("NN.", "an empty stack after STOP"),
    ("Ix\n.", "a decimal integer"),
    ("Fx\n.", "a decimal float"),
    ("Sabc\n.", "a string in quotes"),
    ("V\\u12\n.", "escape"),
    ("X\u{01}\u{00}\u{00}\u{00}\u{ff}.", "UTF-8"),
    ("X\u{ff}\u{ff}\u{ff}\u{7f}.", "ends early"),
    ("T\u{ff}\u{ff}\u{ff}\u{ff}.", "a length of 0 or more"),
  ])
  func aFaultIsToldAfterTheLine(_ text: String, _ message: String) {
    #expect {
      try Disassembler.disassemble(PickleSource(bytes(text))) { _ in }
    } throws: { error in
      "\(error)".contains(message)
    }
  }

  /// Numbers as long as they get, and one that has no 64 bits.
  @Test(arguments: [
    ("I9223372036854775807\n", "9223372036854775807"),
    ("I-9223372036854775808\n", "-9223372036854775808"),
    ("I10\n", "10"),
    ("I-100\n", "-100"),
    ("I-0\n", "0"),
    ("I9223372036854775808\n", "9223372036854775808"),
    ("J\u{00}\u{00}\u{00}\u{80}", "-2147483648"),
  ])
  func numbersAreShownInFull(_ text: String, _ shown: String) {
    var lines: [String] = []
    _ = try? Disassembler.disassemble(PickleSource(bytes(text))) {
      lines.append($0)
    }
    #expect(lines.first?.split(separator: " ").last.map(String.init) == shown)
  }

  @Test func aLongDisassemblyComesWhole() throws {
    let count = 20_000
    let memos = [UInt8](repeating: Opcode.memoize.rawValue, count: count)
    var text = ""
    try Disassembler.disassemble(
      PickleSource(bytes("N") + memos + bytes(".")),
      to: &text
    )
    let lines = text.split(separator: "\n")
    #expect(lines.count == count + 3)
    for (index, line) in lines.dropFirst().prefix(count).enumerated() {
      let offset = "\(index + 1)"
      let padding = String(repeating: " ", count: max(0, 5 - offset.count))
      #expect(
        line == "\(padding)\(offset): \\x94 MEMOIZE    (as \(index))"
      )
    }
  }

  @Test func endlessIndentingIsRefused() {
    let source = PickleSource(Array(repeating: UInt8(ascii: "("), count: 2000))
    var size = 0
    #expect {
      try Disassembler.disassemble(source) { size += $0.utf8.count }
    } throws: { error in
      "\(error)".contains("1000 open marks, which is too much to show")
    }
    #expect(size < 3_000_000)
  }

  /// Python shows no more than 4300 digits, of zeros before them any number.
  @Test func integersOfMoreDigitsAreRefused() throws {
    func long(_ count: Int, _ byte: UInt8) -> [UInt8] {
      [
        Opcode.long4.rawValue, UInt8(count & 255), UInt8(count >> 8), 0, 0,
      ] + [UInt8](repeating: byte, count: count) + bytes(".")
    }
    var size = 0
    try Disassembler.disassemble(PickleSource(long(1785, 0x7f))) {
      size += $0.utf8.count
    }
    #expect(size > 4300)
    var lines: [String] = []
    try Disassembler.disassemble(PickleSource(long(9000, 0))) {
      lines.append($0)
    }
    #expect(lines.first == "    0: \\x8b LONG4      0")
    #expect {
      try Disassembler.disassemble(PickleSource(long(1786, 0x7f))) { _ in }
    } throws: { error in
      "\(error)".contains("1785 bytes of an integer, which is too much to show")
    }
  }

  /// 999 marks indent each of the lines that follow by four thousand columns.
  @Test func manyLinesFarInAreRefused() {
    let marks = [UInt8](repeating: UInt8(ascii: "("), count: 999)
    let values = [UInt8](repeating: UInt8(ascii: "N"), count: 200_000)
    var size = 0
    #expect {
      try Disassembler.disassemble(PickleSource(marks + values)) {
        size += $0.utf8.count
      }
    } throws: { error in
      "\(error)".contains("bytes of indentation, which is too much to show")
    }
    #expect(size > 64 << 20)
    #expect(size < 96 << 20)
  }

  @Test func offsetsCountFromTheStartOfTheSource() throws {
    var text = ""
    let end = try Disassembler.disassemble(
      PickleSource(bytes("junkN.")),
      at: 4,
      to: &text
    )
    #expect(end == 6)
    #expect(text.hasPrefix("    4: N    NONE\n    5: .    STOP\n"))
  }
}
