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

  @Test(arguments: CPythonPickle.all)
  func everyProtocolKeepsTheValues(_ pickle: CPythonPickle) throws {
    let graph = try Unpickler.decode(PickleSource(pickle.bytes()))
    for version in pickle.version...5 {
      let again = try Unpickler.decode(
        PickleSource(Pickler.encode(graph, protocol: version))
      )
      // Module names change between protocols 2 and 3.
      guard (version < 3) == (pickle.version < 3) else { continue }
      if pickle.name == "deep" || pickle.name.hasSuffix("00") { continue }
      #expect(describe(again) == describe(graph))
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
