import Pickle
import TestSupport
import Testing

@Suite struct RoundTripTests {
  @Test func thereArePicklesOfEveryProtocol() {
    for version in 0...5 {
      #expect(CPythonPickle.all.count { $0.version == version } > 25)
    }
  }

  @Test(arguments: CPythonPickle.all)
  func aPickleOfCPythonComesBackByteForByte(_ pickle: CPythonPickle) throws {
    let original = try pickle.bytes()
    let graph = try Unpickler.decode(PickleSource(original))
    #expect(graph.protocolVersion == pickle.version)
    #expect(graph.endOffset == original.count)
    #expect(graph.discarded.isEmpty)
    let written = try Pickler.encode(graph, protocol: pickle.version)
    #expect(written == original)
  }

  /// What has no opcode of its own in the lower protocol must get the very
  /// form that CPython gives it there.
  @Test(arguments: CPythonPickle.all.filter { $0.version > 2 })
  func aPickleInALowerProtocolIsWhatCPythonWrites(
    _ pickle: CPythonPickle
  ) throws {
    let graph = try Unpickler.decode(PickleSource(pickle.bytes()))
    for version in 2..<pickle.version {
      let lower = CPythonPickle(version: version, name: pickle.name)
      guard CPythonPickle.all.contains(where: { $0.path == lower.path }),
        pickle.name != "keywords" || version >= 4
      else { continue }
      #expect(try Pickler.encode(graph, protocol: version) == lower.bytes())
    }
  }

  /// What an older protocol wrote as a call must get the opcodes that CPython
  /// writes in the newer one.
  @Test(arguments: CPythonPickle.all.filter { $0.version >= 2 })
  func aPickleInAHigherProtocolIsWhatCPythonWrites(
    _ pickle: CPythonPickle
  ) throws {
    let graph = try Unpickler.decode(PickleSource(pickle.bytes()))
    for version in pickle.version...5 {
      let higher = CPythonPickle(version: version, name: pickle.name)
      // `len.__module__` is a string of its own, as only Python can know.
      guard CPythonPickle.all.contains(where: { $0.path == higher.path }),
        pickle.name != "library" || version < 4 || pickle.version >= 4
      else { continue }
      #expect(
        try Pickler.encode(graph, protocol: version) == higher.bytes(),
        "protocol \(version)"
      )
    }
  }

  /// There and back: nothing may be lost in a protocol of more opcodes.
  @Test(arguments: CPythonPickle.all.filter { $0.name != "library" })
  func aPickleComesBackFromEveryHigherProtocol(
    _ pickle: CPythonPickle
  ) throws {
    let original = try pickle.bytes()
    let graph = try Unpickler.decode(PickleSource(original))
    for version in pickle.version...5 {
      let higher = try Unpickler.decode(
        PickleSource(Pickler.encode(graph, protocol: version))
      )
      #expect(
        try Pickler.encode(higher, protocol: pickle.version) == original,
        "protocol \(version)"
      )
    }
  }

  @Test func namesAreMappedBetweenPython2And3() throws {
    let cases = [
      ("c__builtin__\nxrange\n.", "builtins", "range"),
      ("ccopy_reg\n_reconstructor\n.", "copyreg", "_reconstructor"),
      ("cexceptions\nValueError\n.", "builtins", "ValueError"),
      ("ccollections\nOrderedDict\n.", "collections", "OrderedDict"),
    ]
    for (old, module, name) in cases {
      let graph = try decoded(old)
      let new = try Unpickler.decode(
        PickleSource(Pickler.encode(graph, protocol: 4))
      )
      #expect(new.global(new.root)?.module == module)
      #expect(new.global(new.root)?.name == name)
      #expect(
        try Pickler.encode(new, protocol: 0) == bytes(old.dropLast() + "p0\n.")
      )
    }
  }

  @Test func whatALowerProtocolLacksBecomesACall() throws {
    let keywords = CPythonPickle(version: 4, name: "keywords")
    let graph = try Unpickler.decode(PickleSource(keywords.bytes()))
    let lower = try Unpickler.decode(
      PickleSource(Pickler.encode(graph, protocol: 2))
    )
    let new = "reduce __builtin__.getattr(kinds.Keywords, '__new__')"
    #expect(
      describe(lower) == "[reduce reduce functools.partial(\(new)) state "
        + "(\(new), (kinds.Keywords, 1, 2), {'key': 'value'}, None)()]"
    )

    let object = try decoded("ca\nb\nK\u{01}\u{85}\u{81}}b.")
    let oldest = try Unpickler.decode(
      PickleSource(Pickler.encode(object, protocol: 1))
    )
    #expect(
      describe(oldest) == "reduce copy_reg.__newobj__(a.b, 1) state {}"
    )
  }

  @Test(arguments: [
    "\u{80}\u{02}\u{82}\u{07}.", "\u{80}\u{02}\u{83}\u{00}\u{01}.",
    "\u{80}\u{02}\u{84}\u{00}\u{00}\u{01}\u{00}.",
    "\u{80}\u{02}\u{82}\u{07}q\u{00}h\u{00}\u{86}q\u{01}.",
    "\u{80}\u{05}\u{97}\u{97}\u{98}\u{86}\u{94}.",
    "\u{80}\u{02}(ia\nb\nq\u{00}.",
    "\u{80}\u{02}(ca\nb\nq\u{00}No"
      + "q\u{01}K\u{01}a.",
    "\u{80}\u{02}U\u{01}aq\u{00}.", "\u{80}\u{02}U\u{01}\u{ff}q\u{00}.",
    "S'a\\t\\xff'\np0\n.", "S\"it's\"\np0\n.",
    "Pkey\n.", "I12\n.", "L12345678901L\n.", "L-170141183460469231731L\n.",
    "(dp0\nVa\np1\nF1e+16\ns.",
  ])
  func whatCPythonSeldomWritesComesBackToo(_ text: String) throws {
    let graph = try decoded(text)
    let version = graph.protocolVersion
    #expect(
      try withoutFrame(Pickler.encode(graph, protocol: version)) == bytes(text)
    )
  }

  private func withoutFrame(_ pickle: [UInt8]) -> [UInt8] {
    pickle.count > 11 && pickle[2] == Opcode.frame.rawValue
      ? Array(pickle.prefix(2) + pickle.dropFirst(11)) : pickle
  }

  @Test func longStringsGetLongLengths() throws {
    let text =
      "\u{80}\u{02}T\u{2c}\u{01}\u{00}\u{00}"
      + String(repeating: "a", count: 300) + "q\u{00}."
    #expect(try Pickler.encode(decoded(text)) == bytes(text))
  }

  @Test func buffersMustKeepTheirOrder() throws {
    var graph = try decoded("\u{97}\u{97}\u{86}.")
    graph.setChildren(graph.children(graph.root).reversed(), of: graph.root)
    #expect(throws: PickleError.self) {
      try Pickler.encode(graph, protocol: 5)
    }
  }

  @Test func bytesThatOthersOwnAreUsedInPlace() throws {
    final class Owner: Sendable {}
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: 4,
      alignment: 1
    )
    memory.copyBytes(from: bytes("U\u{01}a."))
    defer { memory.deallocate() }
    let source = PickleSource(
      unsafeBytes: UnsafeRawBufferPointer(memory),
      owner: Owner()
    )
    let graph = try Unpickler.decode(source)
    memory[2] = UInt8(ascii: "b")
    #expect(graph.string(graph.root) == "b")
  }

  @Test func aDroppedCallIsWrittenBeforeTheValue() throws {
    let graph = try decoded("\u{80}\u{02}cos\nsystem\n)R0K\u{01}.")
    #expect(graph.discarded.count == 1)
    let written = try Pickler.encode(graph)
    #expect(
      written == bytes("\u{80}\u{02}cos\nsystem\nq\u{00})Rq\u{01}0K\u{01}.")
    )
    // A value of one's own choice comes alone.
    #expect(
      try Pickler.encode(graph, root: graph.root)
        == bytes("\u{80}\u{02}K\u{01}.")
    )
  }

  @Test func aSharedPersistentIDStaysShared() throws {
    let text = "\u{80}\u{02}]q\u{00}(K\u{07}Qq\u{01}h\u{01}e."
    let written = try Pickler.encode(decoded(text))
    #expect(written == bytes(text))
  }
}
