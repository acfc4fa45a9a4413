import TestSupport
import Testing

/// `pth scan` on pickles that would run something.
@Suite("pth scan on hostile pickles")
struct ScanPickleTests {
  static let judged =
    (try? HostileList.load().files.filter { $0.scan != nil }) ?? []

  @Test("the list of tricks is there")
  func listIsThere() {
    #expect(Self.judged.count > 60)
  }

  @Test(
    "the verdict on each hostile pickle is the one it was made for",
    arguments: judged
  )
  func verdicts(entry: HostileList.Entry) throws {
    let (report, status) = try ScanReport.scan("hostile/" + entry.file)
    let verdict = entry.scan == "clean" ? "safe" : entry.scan
    #expect(report.verdict == verdict, "\(entry.trick): \(report)")
    #expect(status == (verdict == "safe" ? 0 : 1))
    #expect(report.clean == (status == 0))
  }

  @Test(
    "each way to import and call is told by its name and opcodes",
    arguments: [
      ("runs/reduce_os", "os.system", "GLOBAL", "REDUCE"),
      ("runs/in_text", "posix.system", "GLOBAL", "REDUCE"),
      ("runs/stack_global", "os.system", "STACK_GLOBAL", "REDUCE"),
      ("runs/stack_global_memo", "os.system", "STACK_GLOBAL", "REDUCE"),
      ("runs/stack_global_built", "….system", "STACK_GLOBAL", "REDUCE"),
      ("runs/name_decoded", "….system", "STACK_GLOBAL", "REDUCE"),
      ("runs/name_escaped", "os.system", "STACK_GLOBAL", nil),
      (
        "runs/stack_global_dotted", "torch.hub.os.system", "STACK_GLOBAL",
        "REDUCE"
      ),
      ("runs/inst", "posix.system", "INST", "INST"),
      ("runs/obj", "posix.system", "GLOBAL", "OBJ"),
      ("runs/newobj", "subprocess.Popen", "GLOBAL", "NEWOBJ"),
      ("runs/newobj_ex", "subprocess.Popen", "GLOBAL", "NEWOBJ_EX"),
      ("runs/ext1", "extension 1", "EXT1", "REDUCE"),
      ("runs/ext2", "extension 4660", "EXT2", "REDUCE"),
      ("runs/ext4", "extension 1", "EXT4", "REDUCE"),
      ("runs/getattr_chain", "os.system", "REDUCE", "REDUCE"),
      ("runs/getattr_import", "os.system", "REDUCE", "REDUCE"),
      ("runs/attrgetter", "os.system", "REDUCE", "REDUCE"),
      ("runs/methodcaller", "os.system", "REDUCE", nil),
      ("runs/getattr_given_away", "builtins.getattr", "GLOBAL", "REDUCE"),
      ("runs/after_stop", "posix.system", "GLOBAL", "REDUCE"),
      ("runs/popped", "posix.system", "GLOBAL", "REDUCE"),
      ("runs/in_persistent_id", "posix.system", "GLOBAL", "REDUCE"),
      ("runs/class_changed", "argparse.Namespace", "GLOBAL", nil),
      (
        "runs/class_handed_back", "torch.jit._pickle.restore_type_tag",
        "GLOBAL", "REDUCE"
      ),
      (
        "runs/class_as_scalar", "numpy.core.multiarray.scalar", "GLOBAL",
        "REDUCE"
      ),
      (
        "runs/class_by_new", "torch.jit._pickle.restore_type_tag", "GLOBAL", nil
      ),
      ("runs/case_changed", "uuid.SafeUUID", "GLOBAL", "REDUCE"),
      ("runs/case_changed_getattr", "builtins.getattr", "GLOBAL", "REDUCE"),
      ("runs/builtins_as_state", "numpy.dtypes.__builtins__", "GLOBAL", nil),
      ("runs/map_list", "builtins.map", "GLOBAL", "REDUCE"),
      ("zip/other_pickle", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/other_record", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/other_text_record", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/padded_text_record", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/pickle_as_storage", "posix.system", "GLOBAL", nil),
      ("zip/nested", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/nested_twice", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/nested_tar", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/nested_array", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/prefix_pickle", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/trailing_pickle", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/two_archives", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/duplicate_pickle", "posix.system", "GLOBAL", "REDUCE"),
      ("zip/case_pickle", "posix.system", "GLOBAL", "REDUCE"),
    ] as [(String, String, String, String?)]
  )
  func tellsHow(
    file: String,
    name: String,
    opcode: String,
    call: String?
  ) throws {
    let (report, status) = try ScanReport.scan("hostile/\(file).pth")
    #expect(status == 1)
    #expect(report.verdict == "dangerous")
    let found = report.pickles.flatMap(\.globals).filter { $0.name == name }
    #expect(
      found.contains {
        $0.verdict == "dangerous" && $0.opcode == opcode
          && $0.callOpcode == call
      },
      "\(report)"
    )
  }

  @Test("a pickle's place inside archives is told")
  func tellsWhere() throws {
    for (file, location) in [
      ("runs/reduce_os", "archive/data.pkl"),
      ("zip/other_text_record", "archive/extra/weights"),
      ("zip/nested", "archive/extra/inner.pth!archive/data.pkl"),
      ("zip/nested_twice", "archive/extra/a.zip!b.zip!archive/data.pkl"),
      ("zip/nested_tar", "archive/extra/a.tar!pickle"),
      ("zip/prefix_pickle", "(before)"),
      ("zip/trailing_pickle", "(after)"),
    ] {
      let (report, _) = try ScanReport.scan("hostile/\(file).pth")
      let bad = report.pickles.filter { $0.verdict == "dangerous" }
      #expect(bad.map(\.location) == [location], "\(file)")
    }
  }

  @Test("the key path tells where a name is used")
  func tellsKeyPath() throws {
    let (report, _) = try ScanReport.scan("hostile/runs/getattr_given_away.pth")
    let paths = report.pickles.flatMap(\.globals).map {
      [$0.name, $0.keyPath ?? "nil"]
    }
    #expect(paths.contains(["builtins.getattr", "enum"]), "\(paths)")
    let (popped, _) = try ScanReport.scan("hostile/runs/popped.pth")
    let outside = popped.pickles.flatMap(\.globals).filter {
      $0.name == "posix.system"
    }
    #expect(outside.map(\.keyPath) == [nil])
  }

  @Test("what is changed and what is passed on is said")
  func tellsWhy() throws {
    for (file, isChanged, isPassedOn) in [
      ("class_changed", true, false), ("class_handed_back", true, false),
      ("case_changed", true, false), ("class_by_new", false, true),
      ("reduce_os", false, false),
    ] {
      let (report, _) = try ScanReport.scan("hostile/runs/\(file).pth")
      let bad = report.pickles.flatMap(\.globals)
        .filter { $0.verdict == "dangerous" }
      #expect(bad.map { $0.changed ?? false } == [isChanged], "\(file)")
      #expect(bad.map { $0.passedOn ?? false } == [isPassedOn], "\(file)")
    }
    let text = try PthTool.run([
      "scan", Fixture.path("hostile/runs/class_by_new.pth"),
    ])
    #expect(text.text.contains("(GLOBAL @86, passed on) at __new__"))
  }

  @Test("what can't be read to its end is dangerous, however far it got")
  func brokenPickles() throws {
    let whole: Set = [
      "deep_dicts", "deep_lists", "deep_tuples", "doubling_dicts",
      "doubling_tensors", "doubling_tuples", "huge_memo", "long_integer",
      "many_memos", "marks", "surrogate",
    ]
    for name in try Fixture.names(in: "hostile/pickle") {
      let (report, status) = try ScanReport.scan(name)
      let isWhole = whole.contains {
        name == "hostile/pickle/\($0).pth"
      }
      #expect(report.verdict == (isWhole ? "safe" : "dangerous"), "\(name)")
      #expect(status == (isWhole ? 0 : 1), "\(name)")
      #expect((report.pickles.first?.failure == nil) == isWhole, "\(name)")
    }
  }
}
