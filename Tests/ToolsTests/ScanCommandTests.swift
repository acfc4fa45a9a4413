import TestSupport
import Testing

/// `pth scan` on files that would run something, and on honest ones.
@Suite("pth scan")
struct ScanCommandTests {
  struct Report: Decodable {
    let file: String
    let verdict: String
    let clean: Bool
    let findings: [Finding]
    let pickles: [Pickle]

    struct Finding: Decodable {
      let code: String
      let severity: String
    }

    struct Pickle: Decodable {
      let location: String
      let verdict: String
      let globals: [Global]
      let failure: String?
    }

    struct Global: Decodable {
      let name: String
      let verdict: String
      let opcode: String
      let offset: Int
      let calls: Int
      let keyPath: String?
      let callOpcode: String?
    }

    var codes: [String] { findings.map(\.code) }

    func names(_ verdict: String) -> Set<String> {
      Set(
        pickles.flatMap(\.globals).filter { $0.verdict == verdict }
          .map(\.name)
      )
    }
  }

  static func scan(
    _ name: String,
    _ options: String...
  ) throws -> (report: Report, status: Int32) {
    let run = try PthTool.run(
      ["scan", "--json", Fixture.path(name)] + options
    )
    return (try run.json(), run.status)
  }

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
    let (report, status) = try Self.scan("hostile/" + entry.file)
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
    let (report, status) = try Self.scan("hostile/\(file).pth")
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
      let (report, _) = try Self.scan("hostile/\(file).pth")
      let bad = report.pickles.filter { $0.verdict == "dangerous" }
      #expect(bad.map(\.location) == [location], "\(file)")
    }
  }

  @Test("the key path tells where a name is used")
  func tellsKeyPath() throws {
    let (report, _) = try Self.scan("hostile/runs/getattr_given_away.pth")
    let paths = report.pickles.flatMap(\.globals).map {
      [$0.name, $0.keyPath ?? "nil"]
    }
    #expect(paths.contains(["builtins.getattr", "enum"]), "\(paths)")
    let (popped, _) = try Self.scan("hostile/runs/popped.pth")
    let outside = popped.pickles.flatMap(\.globals).filter {
      $0.name == "posix.system"
    }
    #expect(outside.map(\.keyPath) == [nil])
  }

  @Test("what can't be read to its end is dangerous, however far it got")
  func brokenPickles() throws {
    let whole: Set = [
      "deep_dicts", "deep_lists", "deep_tuples", "doubling_dicts",
      "doubling_tensors", "doubling_tuples", "huge_memo", "long_integer",
      "many_memos", "marks", "surrogate",
    ]
    for name in try Fixture.names(in: "hostile/pickle") {
      let (report, status) = try Self.scan(name)
      let isWhole = whole.contains {
        name == "hostile/pickle/\($0).pth"
      }
      #expect(report.verdict == (isWhole ? "safe" : "dangerous"), "\(name)")
      #expect(status == (isWhole ? 0 : 1), "\(name)")
      #expect((report.pickles.first?.failure == nil) == isWhole, "\(name)")
    }
  }

  @Test(
    "each trick of an archive is a finding",
    arguments: [
      ("bomb_claims_less", "dangerous", "bad-compression"),
      ("case_pickle", "dangerous", "duplicate-name"),
      ("comment_size", "unknown", "comment-cut"),
      ("count_larger", "dangerous", "bad-end-record"),
      ("count_smaller", "dangerous", "bad-directory"),
      ("crc_pickle", "unknown", "bad-checksum"),
      ("crc_storage", "unknown", "bad-checksum"),
      ("csize_larger", "dangerous", "record-out-of-bounds"),
      ("cut_directory", "dangerous", "truncated"),
      ("cut_end", "dangerous", "truncated"),
      ("cut_half", "dangerous", "truncated"),
      ("deflated_garbage", "dangerous", "bad-compression"),
      ("deflated_long", "dangerous", "bad-compression"),
      ("deflated_short", "dangerous", "bad-compression"),
      ("directory_past_end", "dangerous", "bad-end-record"),
      ("directory_size", "dangerous", "bad-end-record"),
      ("disks", "dangerous", "multiple-volumes"),
      ("duplicate_pickle", "dangerous", "duplicate-name"),
      ("duplicate_storage", "unknown", "duplicate-name"),
      ("encrypted", "dangerous", "encrypted"),
      ("end64_past_end", "dangerous", "bad-end-record"),
      ("flipped_bit", "unknown", "bad-checksum"),
      ("local_extra", "dangerous", "bad-local-header"),
      ("local_method", "dangerous", "bad-local-header"),
      ("local_name", "dangerous", "bad-local-header"),
      ("local_name_pickle", "dangerous", "bad-local-header"),
      ("local_signature", "dangerous", "bad-local-header"),
      ("local_sizes", "unknown", "sizes-differ"),
      ("method_lzma", "dangerous", "unknown-method"),
      ("method_unknown", "dangerous", "unknown-method"),
      ("name_absolute", "unknown", "unsafe-name"),
      ("name_backslash", "unknown", "unsafe-name"),
      ("name_empty", "unknown", "empty-name"),
      ("name_not_utf8", "unknown", "name-not-utf8"),
      ("name_nul", "unknown", "nul-in-name"),
      ("name_parent", "unknown", "unsafe-name"),
      ("nested_deep", "dangerous", "nested-too-deep"),
      ("no_root", "unknown", "no-single-root"),
      ("offset_past_end", "dangerous", "bad-local-header"),
      ("outside_root", "unknown", "no-single-root"),
      ("overlap", "dangerous", "overlapping-records"),
      ("prefix", "unknown", "prepended-bytes"),
      ("prefix_pickle", "dangerous", "prepended-bytes"),
      ("same_offset", "dangerous", "overlapping-records"),
      ("size_smaller", "unknown", "no-descriptor"),
      ("trailing", "unknown", "trailing-bytes"),
      ("trailing_pickle", "dangerous", "trailing-bytes"),
      ("two_archives", "dangerous", "prepended-bytes"),
      ("two_roots", "unknown", "no-single-root"),
      ("usize_larger", "dangerous", "bad-directory"),
      ("zip64_cut", "dangerous", "bad-directory"),
      ("zip64_extra", "dangerous", "bad-directory"),
    ]
  )
  func archiveTricks(file: String, verdict: String, code: String) throws {
    let (report, status) = try Self.scan("hostile/zip/\(file).pth")
    #expect(report.verdict == verdict, "\(report)")
    #expect(report.codes.contains(code), "\(report.codes)")
    #expect(status == 1)
  }

  @Test(
    "what is odd but runs nothing is no finding",
    arguments: [
      "good", "bomb", "byteorder_word", "deflated_storage", "no_pickle",
      "no_storage", "no_version", "storage_long", "storage_short",
      "torchscript_mark", "version_99", "version_text",
    ]
  )
  func harmlessArchives(file: String) throws {
    let (report, status) = try Self.scan("hostile/zip/\(file).pth")
    #expect(report.verdict == "safe", "\(report)")
    #expect(status == 0)
    #expect(report.findings.allSatisfy { $0.severity == "note" })
  }

  @Test("a name that promises another format is a finding")
  func wrongExtension() throws {
    for name in ["pickle.safetensors", "pickle.gguf", "archive.safetensors"] {
      let (report, status) = try Self.scan("hostile/other/\(name)")
      #expect(report.codes == ["wrong-extension"], "\(name)")
      #expect(status == 1, "\(name)")
    }
  }

  @Test("--allow takes names that fit as safe, and nothing else")
  func allow() throws {
    let own = "hostile/seems/own_class.pth"
    #expect(try Self.scan(own).status == 1)
    #expect(try Self.scan(own, "--allow", "mypackage.*").status == 0)
    #expect(try Self.scan(own, "--allow", "mypackage.models.Net").status == 0)
    #expect(try Self.scan(own, "--allow", "mypackage.models.Ne").status == 1)
    // What can't be read, or has no name, can't be allowed.
    for name in [
      "pickle/half", "runs/name_decoded", "runs/ext1", "zip/crc_pickle",
    ] {
      #expect(
        try Self.scan("hostile/\(name).pth", "--allow", "*").status == 1,
        "\(name)"
      )
    }
  }

  @Test("exit codes and messages for what can't be scanned")
  func refusals() throws {
    for name in ["text", "html", "lfs", "zeros", "empty"] {
      let path = Fixture.path("hostile/format/\(name).pth")
      let run = try PthTool.run("scan", path)
      #expect(run.status == 65, "\(name)")
      #expect(run.text == "")
      #expect(
        run.messages.hasPrefix("pth: error: \(path): "),
        "\(run.messages)"
      )
    }
    #expect(try PthTool.run("scan", "/no/such/file.pth").status == 66)
    #expect(try PthTool.run("scan").status == 64)
  }

  @Test("several files give one list, and the worst of them the exit code")
  func severalFiles() throws {
    let files = ["seems/module", "runs/inst", "seems/own_class"].map {
      Fixture.path("hostile/\($0).pth")
    }
    let run = try PthTool.run(["scan", "--json"] + files)
    let reports: [Report] = try run.json()
    #expect(reports.map(\.file) == files)
    #expect(reports.map(\.verdict) == ["safe", "dangerous", "unknown"])
    #expect(run.status == 1)
    let text = try PthTool.run(["scan"] + files).text
    #expect(text.contains("module.pth: clean (1 pickle)\n"))
    #expect(
      text.contains(
        "    dangerous posix.system (INST @23, called by INST @23) at the root\n"
      ),
      "\(text)"
    )
    #expect(text.contains("    unknown mypackage.models.Net ("))
  }

  @Test("an index of shards is as bad as its shards")
  func shards() throws {
    let good = try Self.scan(
      "torch-2.13/hf_shards/pytorch_model.bin.index.json"
    )
    #expect(good.status == 0)
    #expect(good.report.pickles.count == 2)
    for (name, code) in [
      ("parent", "damaged"), ("absolute", "damaged"), ("number", "damaged"),
      ("no_map", "damaged"), ("missing", "missing-shard"),
      ("itself", "not-scanned"),
    ] {
      let (report, status) = try Self.scan(
        "hostile/index/\(name).bin.index.json"
      )
      #expect(report.codes == [code], "\(name)")
      #expect(status == 1)
    }
    try withTemporaryDirectory { folder in
      try writeFile(
        Fixture.bytes("hostile/runs/inst.pth"),
        to: folder.file("evil.bin")
      )
      let index = folder.file("model.bin.index.json")
      try writeFile(#"{"weight_map": {"w": "evil.bin"}}"#.utf8, to: index)
      #expect(try PthTool.run("scan", index).status == 1)
    }
  }

  /// The honest fixtures that are not clean, with what is not known of them.
  static let unknown: [String: Set<String>] = [
    "module": ["opaque_classes.Block"],
    "module_source": ["opaque_classes.Block"],
    "subclass": ["opaque_classes.TaggedTensor"],
  ]

  @Test(
    "what PyTorch and others write is clean but for classes of one's own",
    arguments: ["torch-1.13", "torch-2.13", "legacy", "formats", "mnist"]
  )
  func honestFiles(folder: String) throws {
    let files = try Fixture.names(in: folder).filter { name in
      ![".py", ".md", ".json"].contains { name.hasSuffix($0) }
    }
    let run = try PthTool.run(
      ["scan", "--json"] + files.map { Fixture.path($0) }
    )
    let reports: [Report] = try run.json()
    #expect(reports.count == files.count)
    for (name, report) in zip(files, reports) where !report.clean {
      let stem = name.split(separator: "/").last?.split(separator: ".").first
      let base = stem.map {
        $0.replacing("_legacy", with: "").split(separator: "_protocol")[0]
      }
      switch base.map(String.init) {
      case "objects":
        // Enumerations, data classes, partial functions and the like.
        let calls: Set = [
          "functools.partial", "opaque_classes.WithNewArguments.__new__",
          "builtins.getattr", "__builtin__.getattr",
        ]
        #expect(report.names("dangerous").isSubset(of: calls), "\(name)")
        #expect(report.names("dangerous").contains("functools.partial"))
        let functions: Set = [
          "_operator.or_", "torch.nn.functional.relu", "builtins.getattr",
          "__builtin__.getattr",
        ]
        #expect(
          report.names("unknown").subtracting(functions)
            .allSatisfy { $0.hasPrefix("opaque_classes.") },
          "\(name): \(report.names("unknown"))"
        )
      case "container_trailing":
        #expect(report.codes == ["trailing-bytes"])
      case let base?:
        #expect(report.verdict == "unknown", "\(name)")
        #expect(report.names("unknown") == Self.unknown[base], "\(name)")
      case nil: Issue.record("\(name)")
      }
    }
  }
}
