import Pickle
import TestSupport
import Testing

/// Pickles that want too much: nothing recurses, cost stays linear.
@Suite struct HostilePickleTests {
  @Test func aMillionNestedListsAreFine() throws {
    let depth = 1_000_000
    var pickle: [UInt8] = []
    for _ in 0..<depth { pickle.append(UInt8(ascii: "]")) }
    for _ in 1..<depth { pickle.append(UInt8(ascii: "a")) }
    pickle.append(UInt8(ascii: "."))
    let source = PickleSource(pickle)
    let graph = try Unpickler.decode(source)
    // Two bytes PROTO, then a list, its memo entry and APPEND for each.
    let written = try Pickler.encode(graph)
    #expect(written.count == 2 + depth + 2 * 256 + 5 * (depth - 256) + depth)
  }

  @Test func deepNestingIsScanned() {
    let text = String(repeating: "(", count: 20_000) + "cos\nsystem\n"
    let report = scan(text + String(repeating: "t", count: 20_000) + ".")
    #expect(report.failure == nil)
    #expect(report.findings.first?.path?.hasPrefix("….0.0.") == true)
  }

  private func scan(_ text: String) -> Scanner.Report {
    Scanner.scan(PickleSource(bytes(text)))
  }

  @Test(arguments: ["\u{85}", "\u{86}"])
  func tuplesThatDoubleAreFine(_ tuple: String) throws {
    // Each tuple holds the one before it, twice: 2^5000 paths.
    var text = "\u{80}\u{02}\u{8c}\u{01}a"
    for _ in 0..<5000 { text += tuple == "\u{86}" ? "2\u{86}" : "\u{85}" }
    text += "cos\nsystem\n\u{86}."
    let graph = try decoded(text)
    let again = try Unpickler.decode(PickleSource(Pickler.encode(graph)))
    #expect(again.nodeCount == graph.nodeCount)
    #expect(scan(text).findings.count == 1)
    // As a key it is hashable: each tuple is looked at once.
    let key = String(text.dropFirst(2).dropLast(13))
    _ = try decoded("}" + key + "Ns.")
  }

  @Test func listsWithinTheirTupleAreWrittenOrRefused() throws {
    // A tuple of lists that all hold the tuple.
    func pickle(_ count: Int) -> String {
      var text = "]q\u{00}0("
      for _ in 0..<count { text += "]" }
      text += "tq\u{01}0h\u{01}."
      return text
    }
    var graph = try decoded(pickle(3))
    for list in graph.children(graph.root) {
      graph.append(graph.root, to: list)
    }
    let again = try Unpickler.decode(PickleSource(Pickler.encode(graph)))
    #expect(describe(again) == describe(graph))
    var large = try decoded(pickle(2000))
    for list in large.children(large.root) {
      large.append(large.root, to: list)
    }
    #expect(throws: PickleError.self) { try Pickler.encode(large) }
  }

  @Test func farMemoNumbersTakeNoMemory() throws {
    var text = "]"
    for i: UInt8 in 0..<200 {
      text += "r\u{00}\u{00}" + String(Unicode.Scalar(i)) + "\u{ff}"
    }
    let graph = try decoded(text + "j\u{00}\u{00}\u{07}\u{ff}a.")
    #expect(describe(graph) == "[...]")
  }

  @Test func aMemoEntryIsTheOneThatWasStoredLast() throws {
    // Number 5000 is stored far off first, then in its turn.
    var text = "(Nr\u{88}\u{13}\u{00}\u{00}"
    for i in 0..<5100 {
      let index = UInt32(i)
      text += "K\u{07}r"
      for shift: UInt32 in [0, 8, 16, 24] {
        text.unicodeScalars.append(
          Unicode.Scalar(UInt8(truncatingIfNeeded: index >> shift))
        )
      }
      text += "0"
    }
    #expect(
      describe(try decoded(text + "j\u{88}\u{13}\u{00}\u{00}t.")) == "(None, 7)"
    )
  }

  @Test(arguments: [
    (PickleLimits(maxNodes: 2), "NNN.", "maxNodes"),
    (PickleLimits(maxDepth: 2), "NNN.", "maxDepth"),
    (PickleLimits(maxDepth: 2), "(((.", "maxDepth"),
    (PickleLimits(maxMemo: 1), "Nq\u{00}q\u{01}.", "maxMemo"),
    (PickleLimits(maxMemo: 1), "N\u{94}\u{94}.", "maxMemo"),
    (
      PickleLimits(maxIntegerBytes: 2), "\u{8a}\u{03}\u{01}\u{02}\u{03}.",
      "maxIntegerBytes"
    ),
    (
      PickleLimits(maxIntegerDigits: 20), "I123456789012345678901\n.",
      "maxIntegerDigits"
    ),
    (PickleLimits(maxNameBytes: 3), "cabcd\nx\n.", "maxNameBytes"),
    (PickleLimits(maxNameBytes: 3), "ca\nwxyz\n.", "maxNameBytes"),
    (
      PickleLimits(maxNameBytes: 3), "\u{8c}\u{01}a\u{8c}\u{04}wxyz\u{93}.",
      "maxNameBytes"
    ),
  ])
  func aLimitIsKept(_ limits: PickleLimits, _ text: String, _ name: String) {
    #expect {
      try Unpickler.decode(PickleSource(bytes(text)), limits: limits)
    } throws: { error in
      guard case .limitExceeded(name, _) = (error as? PickleError)?.kind
      else { return false }
      return "\(error)".contains(name)
    }
  }

  @Test("a large integer in thousands of places is not written for each")
  func sharedIntegers() throws {
    var pickle = bytes("\u{80}\u{02}\u{8b}\u{40}\u{1f}\u{00}\u{00}")
    pickle += [UInt8](repeating: 0x55, count: 8000) + bytes("q\u{00}0](")
    for _ in 0..<5000 { pickle += bytes("h\u{00}") }
    let graph = try Unpickler.decode(PickleSource(pickle + bytes("e.")))
    for version in [2, 4] {
      let written = try Pickler.encode(graph, protocol: version)
      #expect(written.count < 40_000, "\(written.count)")
      let again = try Unpickler.decode(PickleSource(written))
      let items = Array(again.children(again.root))
      #expect(items.count == 5000)
      let number = again.bigIntBytes(items[0])
      #expect(number?.count == 8000)
      #expect(items.allSatisfy { again.bigIntBytes($0) == number })
    }
  }

  @Test("an import that is repeated without end is counted, not listed")
  func repeatedImports() {
    var pickle = bytes("\u{80}\u{02}](")
    for _ in 0..<20_000 { pickle += bytes("ca\nb\n") }
    pickle += bytes("cc\nd\n") + bytes("ca\nb\n)Re.")
    let report = Scanner.scan(PickleSource(pickle))
    #expect(report.failure == nil)
    #expect(report.findings.count < 10_100)
    #expect(report.findings.reduce(0) { $0 + $1.importCount } == 20_002)
    #expect(report.findings.reduce(0) { $0 + $1.callCount } == 1)
    #expect(
      report.findings.contains { $0.name == .global(module: "c", name: "d") }
    )
  }

  @Test("a long name that a call gives is shown as far as it is a name")
  func longNames() {
    var pickle = bytes("\u{80}\u{02}cbuiltins\ngetattr\nca\nb\nX")
    pickle += [0x40, 0x9c, 0, 0] + [UInt8](repeating: 0x6e, count: 40_000)
    let report = Scanner.scan(PickleSource(pickle + bytes("\u{86}R.")))
    #expect(report.failure == nil)
    #expect(report.findings.count == 3)
    #expect(report.findings.last?.name == .computed("a.b.…"))
  }

  @Test func aCutPickleIsNeverTakenForWhole() throws {
    for pickle in CPythonPickle.all where pickle.version % 2 == 0 {
      let whole = try pickle.bytes()
      guard whole.count < 250 else { continue }
      for count in 0..<whole.count {
        let source = PickleSource(Array(whole.prefix(count)))
        #expect(throws: PickleError.self) { try Unpickler.decode(source) }
        _ = Scanner.scan(source)
      }
    }
  }

  /// Whatever comes, there is a graph or an error, and a graph can be
  /// written in every protocol or refused.
  @Test func mutatedPicklesNeverCrash() throws {
    var random = SeededGenerator(for: "mutated pickles")
    let opcodes = Opcode.allCases.map { $0.rawValue }
    let seeds = try CPythonPickle.all.map { try $0.bytes() }
      .filter { $0.count < 2000 }
    var decodedCount = 0
    for _ in 0..<2000 {
      var pickle = seeds[Int.random(in: 0..<seeds.count, using: &random)]
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let at = Int.random(in: 0..<pickle.count, using: &random)
        let opcode = opcodes[Int.random(in: 0..<opcodes.count, using: &random)]
        switch Int.random(in: 0..<6, using: &random) {
        case 0: pickle[at] = opcode
        case 1: pickle[at] = UInt8.random(in: 0...255, using: &random)
        case 2: pickle[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 3: pickle.insert(opcode, at: at)
        case 4: pickle.replaceSubrange(at..<min(at + 2, pickle.count), with: [])
        default: pickle.insert(contentsOf: pickle[at...].prefix(20), at: at)
        }
        if pickle.isEmpty { pickle = [UInt8(ascii: ".")] }
      }
      let source = PickleSource(pickle)
      let report = Scanner.scan(source)
      _ = try? Disassembler.disassemble(source) { _ in }
      guard let graph = try? Unpickler.decode(source) else {
        #expect(report.failure != nil)
        continue
      }
      #expect(report.failure == nil)
      decodedCount += 1
      for version in 0...5 {
        guard let written = try? Pickler.encode(graph, protocol: version)
        else { continue }
        _ = try Unpickler.decode(PickleSource(written))
      }
    }
    #expect(decodedCount > 200)
  }
}
