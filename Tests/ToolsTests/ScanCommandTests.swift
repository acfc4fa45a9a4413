import TestSupport
import Testing

/// `pth scan` on honest files, its options, output and exit codes.
@Suite("pth scan")
struct ScanCommandTests {
  @Test("--allow takes names that fit as safe, and nothing else")
  func allow() throws {
    let own = "hostile/seems/own_class.pth"
    #expect(try ScanReport.scan(own).status == 1)
    #expect(try ScanReport.scan(own, "--allow", "mypackage.*").status == 0)
    #expect(
      try ScanReport.scan(own, "--allow", "mypackage.models.Net").status == 0
    )
    #expect(
      try ScanReport.scan(own, "--allow", "mypackage.models.Ne").status == 1
    )
    // What can't be read, or has no name, can't be allowed.
    for name in [
      "pickle/half", "runs/name_decoded", "runs/ext1", "zip/crc_pickle",
    ] {
      #expect(
        try ScanReport.scan("hostile/\(name).pth", "--allow", "*").status == 1,
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
    let reports: [ScanReport] = try run.json()
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
    let good = try ScanReport.scan(
      "torch-2.13/hf_shards/pytorch_model.bin.index.json"
    )
    #expect(good.status == 0)
    #expect(good.report.pickles.count == 2)
    for (name, code) in [
      ("parent", "damaged"), ("absolute", "damaged"), ("number", "damaged"),
      ("no_map", "damaged"), ("missing", "missing-shard"),
      ("itself", "not-scanned"),
    ] {
      let (report, status) = try ScanReport.scan(
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
    let files = try Fixture.checkpoints(in: folder)
    let run = try PthTool.run(
      ["scan", "--json"] + files.map { Fixture.path($0) }
    )
    let reports: [ScanReport] = try run.json()
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
