import Pickle
import Testing

@Suite struct ScannerTests {
  func scan(_ text: String) -> Scanner.Report {
    Scanner.scan(PickleSource(bytes(text)))
  }

  @Test(arguments: [
    ("cos\nsystem\n(S'ls'\ntR.", Opcode.global, 0, Opcode.reduce),
    ("(S'ls'\nios\nsystem\n.", .inst, 7, .inst),
    ("(cos\nsystem\nS'ls'\no.", .global, 1, .obj),
    (
      "\u{80}\u{04}\u{8c}\u{02}os\u{8c}\u{06}system\u{93}\u{8c}\u{02}ls\u{85}R.",
      .stackGlobal, 14, .reduce
    ),
    ("cos\nsystem\n)\u{81}.", .global, 0, .newObj),
    ("cos\nsystem\n)}\u{92}.", .global, 0, .newObjEx),
    ("cos\nsystem\nq\u{00}0Nh\u{00}S'ls'\n\u{85}R.", .global, 0, .reduce),
  ])
  func aCallIsFound(
    _ text: String,
    _ opcode: Opcode,
    _ offset: Int,
    _ call: Opcode
  ) throws {
    let report = scan(text)
    #expect(report.failure == nil)
    let finding = try #require(report.findings.first)
    #expect(report.findings.count == 1)
    #expect(finding.name == .global(module: "os", name: "system"))
    #expect(finding.opcode == opcode && finding.offset == offset)
    #expect(finding.isCalled && finding.firstCallOpcode == call)
    #expect(finding.firstCall ?? 0 > 0 || call == .inst)
  }

  @Test func aGlobalThatIsOnlyNamedIsNotCalled() {
    let report = scan("(ctorch\nFloatStorage\nt.")
    #expect(report.findings.map { $0.isCalled } == [false])
  }

  @Test func namesAreFollowedThroughGetattr() {
    let report = scan(
      "c__builtin__\ngetattr\n(c__builtin__\ngetattr\n(cos\n__doc__\nS'path'\ntR"
        + "S'join'\ntR)R."
    )
    #expect(
      report.findings.map { $0.name.description }.sorted() == [
        "__builtin__.getattr", "__builtin__.getattr", "os.__doc__",
        "os.__doc__.path", "os.__doc__.path.join",
      ]
    )
    let last = report.findings.first {
      $0.name.description == "os.__doc__.path.join"
    }
    #expect(last?.isCalled == true)
  }

  @Test(arguments: [
    ("cimportlib\nimport_module\nS'os'\n\u{85}R.", "os"),
    (
      "cbuiltins\ngetattr\ncimportlib\nimport_module\nS'os'\n\u{85}RS'system'\n\u{86}R.",
      "os.system"
    ),
    (
      "coperator\nattrgetter\nS'system'\n\u{85}Rcimportlib\nimport_module\n"
        + "S'os'\n\u{85}R\u{85}R.", "os.system"
    ),
    ("cbuiltins\ngetattr\ncos\nf\ncx\ny\n)R\u{86}R.", "os.f.…"),
    ("\u{8c}\u{02}oscx\ny\n)R\u{93}.", "os.…"),
    ("cx\ny\n)R\u{8c}\u{06}system\u{93}.", "….system"),
    ("\u{83}\u{34}\u{12}.", "extension 4660"),
  ])
  func aNameThatIsComputedIsShownAsFarAsItIsKnown(
    _ text: String,
    _ name: String
  ) {
    let names = scan(text).findings.map { $0.name.description }
    #expect(names.contains(name))
  }

  @Test func aClassThatIsChangedIsTold() {
    let report = scan("ca\nB\n}S'x'\nNsb.")
    #expect(report.findings.map { $0.isChanged } == [true])
    let filled = scan("ca\nB\n)R}b.").findings
    #expect(filled.map { $0.isChanged } == [false])
    #expect(filled.map { $0.fillsResult } == [true])
  }

  @Test(arguments: [
    ("ca\nb\n)R.", false),
    ("ca\nb\n0N.", false),
    ("ca\nb\n.", true),
    ("ca\nb\nq\u{00})Rh\u{00}\u{86}.", true),
    ("(ca\nb\nq\u{00})Rh\u{00}h\u{00})Rt.", true),
    ("cx\ny\nca\nb\n\u{85}R.", true),
    ("cx\ny\n)Rca\nb\nb.", true),
    ("ca\nb\nQ.", true),
    ("cbuiltins\ngetattr\nca\nb\nS'CASE'\n\u{86}R.", false),
    ("cbuiltins\ngetattr\nca\nb\nq\u{00}S'CASE'\n\u{86}R0h\u{00}.", true),
  ])
  func whatIsPassedOnIsTold(_ text: String, _ isPassedOn: Bool) {
    let report = scan(text)
    #expect(report.failure == nil)
    let found = report.findings.filter {
      $0.name == .global(module: "a", name: "b")
    }
    #expect(found.map { $0.isPassedOn } == [isPassedOn])
  }

  @Test func theKeyPathTellsWhere() {
    let report = scan(
      "}(S'model'\n(ca\nb\n)Rca\nc\nlS'epoch'\nK\u{01}K\u{07}}S'x'\nca\nd\n)Rsu."
    )
    let paths = report.findings.map { ($0.name.description, $0.path) }
    #expect(paths.map { $0.0 } == ["a.b", "a.c", "a.d"])
    #expect(paths.map { $0.1 } == ["model.0", "model.1", "7.x"])
  }

  @Test func whatIsDroppedHasNoPath() {
    let report = scan("cos\nsystem\n(S'ls'\ntR0N.")
    #expect(report.findings.map { $0.path } == [nil])
    #expect(report.findings.map { $0.isCalled } == [true])
  }

  @Test func whatComesBeforeAFaultIsFound() {
    let report = scan("cos\nsystem\n(S'ls'\ntR\u{ff}")
    #expect(report.failure?.kind == .unknownOpcode(0xff))
    #expect(report.findings.map { $0.isCalled } == [true])
  }

  @Test func callsAreCounted() {
    let report = scan("(ca\nb\nq\u{00})Rh\u{00})Rh\u{00})\u{81}t.")
    #expect(report.findings.map { $0.callCount } == [3])
    #expect(report.protocolVersion == 1 && report.endOffset == 20)
  }
}
