import Pickle
import Testing

@Suite struct DecodingErrorTests {
  struct Case: CustomTestStringConvertible {
    let text: String
    let kind: PickleError.Kind
    let offset: Int
    var testDescription: String { "\(kind) at \(offset)" }

    init(_ text: String, _ kind: PickleError.Kind, at offset: Int) {
      self.text = text
      self.kind = kind
      self.offset = offset
    }
  }

  @Test(arguments: [
    Case("", .truncated(needed: 1, available: 0), at: 0),
    Case("N", .truncated(needed: 1, available: 0), at: 1),
    Case("K", .truncated(needed: 1, available: 0), at: 0),
    Case("NM\u{01}", .truncated(needed: 2, available: 1), at: 1),
    Case("J\u{01}\u{02}", .truncated(needed: 4, available: 2), at: 0),
    Case("G\u{01}", .truncated(needed: 8, available: 1), at: 0),
    Case(
      "X\u{ff}\u{ff}\u{ff}\u{ff}ab",
      .truncated(needed: 0xffff_ffff, available: 2),
      at: 0
    ),
    Case("\u{8c}\u{03}ab", .truncated(needed: 3, available: 2), at: 0),
    Case("U\u{03}ab", .truncated(needed: 3, available: 2), at: 0),
    Case("C\u{03}ab", .truncated(needed: 3, available: 2), at: 0),
    Case(
      "\u{8d}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}",
      .truncated(needed: Int.max, available: 0),
      at: 0
    ),
    Case(
      "\u{96}\u{09}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}a",
      .truncated(needed: 9, available: 1),
      at: 0
    ),
    Case(
      "\u{95}\u{09}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}N.",
      .truncated(needed: 9, available: 2),
      at: 0
    ),
    Case("\u{8a}\u{05}\u{01}", .truncated(needed: 5, available: 1), at: 0),
    Case(
      "\u{8b}\u{05}\u{00}\u{00}\u{00}\u{01}",
      .truncated(needed: 5, available: 1),
      at: 0
    ),
    Case("I12", .unterminatedLine, at: 0),
    Case("ca\nb", .unterminatedLine, at: 0),
    Case("N\u{ff}.", .unknownOpcode(0xff), at: 1),
    Case("\u{80}\u{06}N.", .unsupportedProtocol(6), at: 0),
    Case(".", .stackUnderflow(needed: 1, available: 0), at: 0),
    Case("0.", .stackUnderflow(needed: 1, available: 0), at: 0),
    Case("2.", .stackUnderflow(needed: 1, available: 0), at: 0),
    Case("\u{85}.", .stackUnderflow(needed: 1, available: 0), at: 0),
    Case("N\u{86}.", .stackUnderflow(needed: 2, available: 1), at: 1),
    Case("NN(N\u{87}.", .stackUnderflow(needed: 3, available: 1), at: 4),
    Case("Na.", .stackUnderflow(needed: 2, available: 1), at: 1),
    Case("NNs.", .stackUnderflow(needed: 3, available: 2), at: 2),
    Case("(Ne.", .stackUnderflow(needed: 2, available: 1), at: 2),
    Case("NR.", .stackUnderflow(needed: 2, available: 1), at: 1),
    Case("Nb.", .stackUnderflow(needed: 2, available: 1), at: 1),
    Case("NN\u{92}.", .stackUnderflow(needed: 3, available: 2), at: 2),
    Case("N\u{93}.", .stackUnderflow(needed: 2, available: 1), at: 1),
    Case("Q.", .stackUnderflow(needed: 1, available: 0), at: 0),
    Case("q\u{00}.", .stackUnderflow(needed: 1, available: 0), at: 0),
    Case("\u{98}.", .stackUnderflow(needed: 1, available: 0), at: 0),
    Case("(o.", .stackUnderflow(needed: 1, available: 0), at: 1),
    Case("t.", .missingMark, at: 0), Case("l.", .missingMark, at: 0),
    Case("d.", .missingMark, at: 0), Case("]e.", .missingMark, at: 1),
    Case("}u.", .missingMark, at: 1),
    Case("\u{8f}\u{90}.", .missingMark, at: 1),
    Case("\u{91}.", .missingMark, at: 0), Case("1.", .missingMark, at: 0),
    Case("o.", .missingMark, at: 0), Case("ia\nb\n.", .missingMark, at: 0),
    Case("h\u{03}.", .memoMiss(3), at: 0), Case("g12\n.", .memoMiss(12), at: 0),
    Case("j\u{00}\u{00}\u{01}\u{00}.", .memoMiss(65536), at: 0),
    Case(
      "Ix\n.",
      .invalidArgument(expected: "a decimal integer", found: "\"x\""),
      at: 0
    ),
    Case(
      "I\n.",
      .invalidArgument(expected: "a decimal integer", found: "\"\""),
      at: 0
    ),
    Case(
      "I010\n.",
      .invalidArgument(expected: "a decimal integer", found: "\"010\""),
      at: 0
    ),
    Case(
      "LL\n.",
      .invalidArgument(expected: "a decimal integer", found: "\"\""),
      at: 0
    ),
    Case(
      "F1,5\n.",
      .invalidArgument(expected: "a decimal float", found: "\"1,5\""),
      at: 0
    ),
    Case(
      "F1e999\n.",
      .invalidArgument(expected: "a decimal float", found: "\"1e999\""),
      at: 0
    ),
    Case(
      "F0x1\n.",
      .invalidArgument(expected: "a decimal float", found: "\"0x1\""),
      at: 0
    ),
    Case(
      "Np-1\n.",
      .invalidArgument(expected: "a memo index", found: "\"-1\""),
      at: 1
    ),
    Case(
      "Np99999999999\n.",
      .invalidArgument(
        expected: "a memo index below 2^32",
        found: "99999999999"
      ),
      at: 1
    ),
    Case(
      "Sabc\n.",
      .invalidArgument(
        expected: "a string in quotes",
        found: "no quotes around it"
      ),
      at: 0
    ),
    Case(
      "S'\n.",
      .invalidArgument(
        expected: "a string in quotes",
        found: "no quotes around it"
      ),
      at: 0
    ),
    Case(
      "S'\\x1'\n.",
      .invalidArgument(expected: "Python's escapes", found: "a broken escape"),
      at: 0
    ),
    Case(
      "V\\u12\n.",
      .invalidArgument(
        expected: "\\uXXXX or \\UXXXXXXXX",
        found: "a broken escape"
      ),
      at: 0
    ),
    Case(
      "V\\U00110000\n.",
      .invalidArgument(
        expected: "\\uXXXX or \\UXXXXXXXX",
        found: "a broken escape"
      ),
      at: 0
    ),
    Case(
      "T\u{ff}\u{ff}\u{ff}\u{ff}.",
      .invalidArgument(expected: "a length of 0 or more", found: "-1"),
      at: 0
    ),
    Case(
      "\u{8b}\u{ff}\u{ff}\u{ff}\u{ff}.",
      .invalidArgument(expected: "a length of 0 or more", found: "-1"),
      at: 0
    ),
    Case(
      "\u{82}\u{00}.",
      .invalidArgument(expected: "a positive code", found: "0"),
      at: 0
    ),
    Case(
      "c\nb\n.",
      .invalidArgument(expected: "a module as text", found: "an empty line"),
      at: 0
    ),
    Case(
      "ca\n\n.",
      .invalidArgument(expected: "a name as text", found: "an empty line"),
      at: 0
    ),
    Case("c\u{ff}\nb\n.", .invalidUTF8(at: 1), at: 0),
    Case("\u{8c}\u{02}a\u{ff}.", .invalidUTF8(at: 3), at: 0),
    Case("X\u{01}\u{00}\u{00}\u{00}\u{c3}.", .invalidUTF8(at: 5), at: 0),
    Case("P\u{e9}\n.", .invalidUTF8(at: 1), at: 0),
    Case(
      "NNa.",
      .wrongKind(expected: "a list or an object", found: .none),
      at: 2
    ),
    Case(
      "]NNs.",
      .wrongKind(expected: "a dictionary or an object", found: .list),
      at: 3
    ),
    Case(
      "](N\u{90}.",
      .wrongKind(expected: "a set or an object", found: .list),
      at: 3
    ),
    Case(
      "N)R.",
      .wrongKind(expected: "something to call", found: .none),
      at: 2
    ),
    Case(
      "ca\nb\nNR.",
      .wrongKind(expected: "the arguments as a tuple", found: .none),
      at: 6
    ),
    Case(
      "ca\nb\n]\u{81}.",
      .wrongKind(expected: "the arguments as a tuple", found: .list),
      at: 6
    ),
    Case(
      "ca\nb\n)N\u{92}.",
      .wrongKind(expected: "keyword arguments as a dictionary", found: .none),
      at: 7
    ),
    Case(
      "]}b.",
      .wrongKind(expected: "an object that takes a state", found: .list),
      at: 2
    ),
    Case(
      "NN\u{93}.",
      .wrongKind(expected: "a module and a name as strings", found: .none),
      at: 2
    ),
    Case("N\u{98}.", .wrongKind(expected: "a buffer", found: .none), at: 1),
    Case("}]Ns.", .unhashable(.list), at: 3),
    Case("}}Ns.", .unhashable(.dict), at: 3),
    Case("}]\u{85}\u{85}Ns.", .unhashable(.list), at: 5),
    Case("\u{8f}(]\u{90}.", .unhashable(.list), at: 3),
    Case("(\u{8f}\u{91}.", .unhashable(.set), at: 2),
    Case("(K\u{01}d.", .oddItemCount(1), at: 3),
    Case("}(NNNu.", .oddItemCount(3), at: 5),
    Case("ca\nb\n(Nu.", .oddItemCount(1), at: 7),
  ])
  func aBrokenPickleIsRefusedWhereItBreaks(_ broken: Case) {
    #expect {
      try decoded(broken.text)
    } throws: { error in
      guard let error = error as? PickleError else { return false }
      return error.kind == broken.kind && error.offset == broken.offset
        && error.description.contains("pickle at byte \(broken.offset)")
    }
  }

  @Test func theErrorNamesTheOpcode() {
    #expect {
      try decoded("NNa.")
    } throws: { error in
      "\(error)"
        == "pickle at byte 2 (APPEND): expected a list or an object, found None"
    }
  }

  @Test(arguments: [-1, 5, Int.max, Int.min])
  func anOffsetOutsideTheSourceIsItsEnd(_ offset: Int) {
    #expect {
      try Unpickler.decode(PickleSource(bytes("N.")), at: offset)
    } throws: { error in
      (error as? PickleError)?.kind == .truncated(needed: 1, available: 0)
    }
  }

  @Test func whatWasReadBeforeTheFaultIsKept() {
    let partial = Unpickler.decodePermissively(
      PickleSource(bytes("(K\u{01}cos\nsystem\n\u{ff}"))
    )
    #expect(partial.failure?.kind == .unknownOpcode(0xff))
    #expect(partial.graph.int(partial.graph.root) == 1)
    #expect(partial.graph.globalNames.map { $0.name } == ["system"])
  }
}
