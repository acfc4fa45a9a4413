import Pickle
import Testing

/// Every opcode by hand: bytes, and what they stand for.
@Suite struct DecodingTests {
  @Test(arguments: [
    // Constants and numbers.
    ("N.", "None"), ("\u{88}.", "True"), ("\u{89}.", "False"),
    ("I00\n.", "False"), ("I01\n.", "True"), ("I0\n.", "0"),
    ("I-12\n.", "-12"), ("I+7\n.", "7"),
    ("I9223372036854775807\n.", "\(Int.max)"),
    ("I9223372036854775808\n.", "big[0, 0, 0, 0, 0, 0, 0, 128, 0]"),
    ("L5L\n.", "5"), ("L-5\n.", "-5"),
    ("L-9223372036854775808L\n.", "\(Int.min)"),
    (
      "L-9223372036854775809L\n.",
      "big[255, 255, 255, 255, 255, 255, 255, 127, 255]"
    ),
    ("J\u{fe}\u{ff}\u{ff}\u{ff}.", "-2"), ("K\u{ff}.", "255"),
    ("M\u{01}\u{02}.", "513"), ("\u{8a}\u{00}.", "0"),
    ("\u{8a}\u{01}\u{ff}.", "-1"),
    ("\u{8a}\u{03}\u{01}\u{00}\u{00}.", "1"),
    ("\u{8b}\u{02}\u{00}\u{00}\u{00}\u{00}\u{80}.", "-32768"),
    (
      "\u{8a}\u{09}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}.",
      "-1"
    ),
    (
      "\u{8a}\u{09}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{00}.",
      "big[255, 255, 255, 255, 255, 255, 255, 255, 0]"
    ),
    ("G?\u{f8}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}.", "1.5"),
    ("F1.5\n.", "1.5"), ("F-1e-3\n.", "-0.001"), ("Finf\n.", "inf"),
    ("F-inf\n.", "-inf"),
    ("Fnan\n.", "nan"), ("F12\n.", "12.0"),
    // Strings and bytes.
    ("X\u{02}\u{00}\u{00}\u{00}hi.", "'hi'"),
    ("\u{8c}\u{02}\u{c3}\u{a9}.", "'é'"),
    ("\u{8d}\u{01}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}x.", "'x'"),
    ("\u{8c}\u{03}\u{ed}\u{a0}\u{80}.", "[237, 160, 128]"),
    ("Vabc\n.", "'abc'"), ("Va\\u00e9\\U0001f600\u{e9}\\n\n.", "'aé😀é\\n'"),
    ("V\\ud800\n.", "[237, 160, 128]"), ("V\n.", "''"),
    ("S'it\\'s'\n.", "py2'it's'"),
    ("S\"a\\tb\\x41\\101\\q\"\n.", "py2'a\tbAA\\q'"),
    ("S''\n.", "py2''"), ("U\u{01}a.", "py2'a'"),
    ("U\u{01}\u{ff}.", "bytes[255]"),
    ("T\u{01}\u{00}\u{00}\u{00}b.", "py2'b'"),
    ("C\u{01}\u{ff}.", "bytes[255]"),
    ("B\u{01}\u{00}\u{00}\u{00}a.", "bytes[97]"),
    ("\u{8e}\u{01}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}a.", "bytes[97]"),
    (
      "\u{96}\u{01}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}a.",
      "bytearray[97]"
    ),
    ("\u{97}\u{97}\u{98}\u{86}.", "(buffer0, buffer1r)"),
    // Containers.
    (").", "()"), ("N\u{85}.", "(None)"), ("K\u{01}K\u{02}\u{86}.", "(1, 2)"),
    ("K\u{01}K\u{02}K\u{03}\u{87}.", "(1, 2, 3)"),
    ("(K\u{01}NNNt.", "(1, None, None, None)"),
    ("].", "[]"), ("(K\u{01}K\u{02}l.", "[1, 2]"), ("]K\u{01}a.", "[1]"),
    ("](K\u{01}K\u{02}e(K\u{03}eK\u{04}a.", "[1, 2, 3, 4]"),
    ("}.", "{}"), ("(K\u{01}K\u{02}K\u{03}K\u{04}d.", "{1: 2, 3: 4}"),
    ("}K\u{01}K\u{02}s.", "{1: 2}"),
    ("}(K\u{02}NK\u{01}Nu(K\u{02}K\u{03}u.", "{2: None, 1: None, 2: 3}"),
    ("\u{8f}.", "set()"), ("\u{8f}(K\u{01}K\u{02}\u{90}.", "set(1, 2)"),
    ("(K\u{01}\u{91}.", "frozenset(1)"),
    // Stack and memo.
    ("NK\u{01}0.", "None"), ("N(0.", "None"), ("N(K\u{01}K\u{02}1.", "None"),
    ("K\u{01}2\u{86}.", "(1, 1)"),
    ("]p5\n0g5\n.", "[]"), ("]q\u{05}0h\u{05}.", "[]"),
    ("]r\u{01}\u{02}\u{03}\u{04}0j\u{01}\u{02}\u{03}\u{04}.", "[]"),
    ("]\u{94}0h\u{00}.", "[]"), ("]q\u{00}h\u{00}a.", "[...]"),
    ("Nq\u{00}K\u{01}q\u{00}h\u{00}\u{87}.", "(None, 1, 1)"),
    // Globals, objects, ids.
    ("cos.path\njoin\n.", "os.path.join"),
    ("\u{8c}\u{02}os\u{8c}\u{01}a\u{93}.", "os.a"),
    ("\u{82}\u{07}.", "ext7"), ("\u{83}\u{00}\u{01}.", "ext256"),
    ("\u{84}\u{00}\u{00}\u{01}\u{00}.", "ext65536"),
    ("ca\nb\n(K\u{01}tR.", "reduce a.b(1)"),
    ("ca\nb\n)\u{81}.", "newObj a.b()"),
    ("ca\nb\n)}\u{92}.", "newObjEx a.b() ** {}"),
    ("(K\u{01}ia\nb\n.", "inst a.b(1)"), ("(ca\nb\nK\u{01}o.", "obj a.b(1)"),
    ("ca\nb\n)RNb.", "reduce a.b() state None"),
    (
      "ca\nb\n)RK\u{01}a(K\u{02}K\u{03}eNb(K\u{04}Nu(K\u{05}\u{90}.",
      "reduce a.b() +[1, 2, 3] state None +{4: None} +set(5)"
    ),
    ("ca\nb\n)R}bNb.", "reduce a.b() state {} state None"),
    ("ca\nb\n}b.", "a.b state {}"), ("Pkey\n.", "pid<'key'>"),
    ("K\u{01}Q.", "pid<1>"),
    ("K\u{01}QNa.", "pid<1> +[None]"),
    // Protocols and frames.
    ("\u{80}\u{05}N.", "None"),
    (
      "\u{80}\u{04}\u{95}\u{02}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}N.",
      "None"
    ),
  ])
  func anOpcodeGivesItsValue(_ text: String, _ expected: String) throws {
    #expect(describe(try decoded(text)) == expected)
  }

  @Test func theSameMemoEntryIsTheSameNode() throws {
    let graph = try decoded("](]q\u{00}h\u{00}]e.")
    let children = graph.children(graph.root)
    #expect(children[0] == children[1])
    #expect(children[1] != children[2])
  }

  @Test func aStateSetterIsAChangeOfItsObject() throws {
    let graph = try decoded("ca\nb\n)Rq\u{00}cs\nset\nh\u{00}K\u{05}\u{86}R0.")
    #expect(describe(graph) == "reduce a.b() call reduce s.set(..., 5)")
    #expect(graph.discarded.isEmpty)
  }

  @Test func droppedCallsAreKept() throws {
    let graph = try decoded("ca\nb\n)R0(ca\nc\n)R1ca\nd\n)RN.")
    #expect(graph.kind(graph.root) == .none)
    #expect(
      graph.discarded.map { describe(graph, $0) } == [
        "reduce a.b()", "reduce a.c()", "reduce a.d()",
      ]
    )
  }

  @Test func aDroppedValueThatIsUsedElsewhereIsNotLost() throws {
    let graph = try decoded("]q\u{00}0h\u{00}.")
    #expect(graph.discarded.isEmpty)
  }

  @Test func globalsWithEqualNamesHaveEqualNumbers() throws {
    let graph = try decoded("(ca\nb\nca\nb\nca\nc\nt.")
    let numbers = graph.children(graph.root).map { graph.globalNumber($0) }
    #expect(numbers == [0, 0, 1])
    #expect(graph.globalNames.map { $0.name } == ["b", "c"])
    #expect(graph.global(graph.children(graph.root)[2], is: "a", "c"))
    #expect(!graph.global(graph.children(graph.root)[2], is: "a", "b"))
  }

  @Test func onePickleAfterAnotherIsDecoded() throws {
    let source = PickleSource(bytes("K\u{01}.K\u{02}."))
    let first = try Unpickler.decode(source)
    let second = try Unpickler.decode(source, at: first.endOffset)
    #expect(second.int(second.root) == 2)
    #expect(second.endOffset == 6)
    #expect(second.offset(second.root) == 3)
  }

  @Test func aValueOfAnotherKindIsNil() throws {
    let graph = try decoded("N.")
    let id = graph.root
    #expect(graph.bool(id) == nil && graph.int(id) == nil)
    #expect(graph.float(id) == nil && graph.string(id) == nil)
    #expect(graph.bytes(id) == nil && graph.bigIntBytes(id) == nil)
    #expect(graph.global(id) == nil && graph.object(id) == nil)
    #expect(graph.persistentID(id) == nil && graph.extensionCode(id) == nil)
    #expect(graph.children(id).isEmpty && graph.pairs(id).isEmpty)
    #expect(graph.changes(id).isEmpty && graph.bufferIndex(id) == nil)
    #expect(graph.withUnsafeBytes(of: id) { $0.count } == nil)
    #expect(graph.stringBytes(id) == nil && !graph.hasSurrogates(id))
    #expect(!graph.isPython2String(id) && !graph.isReadOnlyBuffer(id))
  }

  @Test func stringsAreComparedInPlace() throws {
    let graph = try decoded("\u{8c}\u{03}\u{c3}\u{a9}x.")
    #expect(graph.string(graph.root, equals: "éx" as StaticString))
    #expect(!graph.string(graph.root, equals: "éy" as StaticString))
    #expect(graph.string(graph.root, equals: String("éx")))
    #expect(!graph.string(graph.root, equals: String("é")))
    #expect(graph.withUnsafeBytes(of: graph.root) { $0.count } == 3)
  }
}
