import TestSupport
import Testing

/// `pth convert` as a user runs it.
@Suite("pth convert")
struct ConvertCommandTests {
  private static let training = Fixture.path("torch-2.13/training.pth")
  private static let wrapped = Fixture.path("torch-2.13/wrapped.pth")

  @Test("takes a part, strips a prefix, renames and converts in one go")
  func edits() throws {
    try withTemporaryDirectory { folder in
      let output = folder.file("out.pth")
      let run = try PthTool.run(
        "convert",
        Self.wrapped,
        output,
        "--key",
        "state_dict",
        "--strip-prefix",
        "module.",
        "--rename",
        #"^fc\.(\d)=head.\1"#,
        "--dtype",
        "bfloat16",
        "--exclude",
        "*.running_*"
      )
      #expect(run.status == 0, "\(run.messages)")
      #expect(run.messages == "")
      let info = try InfoReport.of(output)
      #expect(info.names.contains("head.2.weight"))
      #expect(!info.names.contains { $0.contains("running") })
      #expect(
        info.tensors.allSatisfy {
          $0.dtype
            == ($0.name.hasSuffix("num_batches_tracked") ? "int64" : "bfloat16")
        }
      )
    }
  }

  @Test("drops parts, and lists values that a format can't hold")
  func dropsAndTells() throws {
    try withTemporaryDirectory { folder in
      let output = folder.file("out.npz")
      let refused = try PthTool.run(
        "convert",
        Self.training,
        output,
        "--drop",
        "optimizer"
      )
      #expect(refused.status == 65)
      #expect(refused.messages.hasPrefix("pth: error: "))
      #expect(refused.messages.contains("epoch"))
      #expect(try folder.names() == [])
      let forced = try PthTool.run(
        "convert",
        Self.training,
        output,
        "--drop",
        "optimizer",
        "--force"
      )
      #expect(forced.status == 0)
      #expect(forced.messages.contains("left out: epoch"))
      #expect(
        try InfoReport.of(output).names.allSatisfy {
          !$0.hasPrefix("optimizer")
        }
      )
    }
  }

  @Test("never replaces a file without --force; with it, even its own input")
  func replaces() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("x.pth")
      try writeFile(readFile(Self.training), to: file)
      let refused = try PthTool.run("convert", file, file, "--key", "model")
      #expect(refused.status == 73)
      #expect(try readFile(file) == readFile(Self.training))
      let forced = try PthTool.run(
        "convert",
        file,
        file,
        "--key",
        "model",
        "--force"
      )
      #expect(forced.status == 0)
      #expect(try InfoReport.of(file).names.contains("cnn.0.weight"))
      #expect(try folder.names() == ["x.pth"])
    }
  }

  @Test("renames by a table, which --suggest-map proposes")
  func mapsNames() throws {
    try withTemporaryDirectory { folder in
      let trained = Fixture.path("mnist/hw7_trained.pth")
      let other = folder.file("other.pth")
      _ = try PthTool.run(
        "convert",
        trained,
        other,
        "--rename",
        #"^cnn\.=features."#,
        "--rename",
        #"^fc\.=classifier."#
      )
      let proposal = try PthTool.run(
        "convert",
        other,
        "--suggest-map",
        "MyConvNet"
      )
      #expect(proposal.status == 0)
      #expect(proposal.text.contains("features.0.weight\tcnn.0.weight\n"))
      let table = folder.file("names.tsv")
      try writeFile(proposal.output, to: table)
      let back = folder.file("back.pth")
      let run = try PthTool.run("convert", other, back, "--map", table)
      #expect(run.status == 0, "\(run.messages)")
      let same = try PthTool.run("diff", trained, back)
      #expect(same.status == 0, "\(same.text)")
      try writeFile("nothing\tx\n".utf8, to: table)
      let wrong = try PthTool.run(
        "convert",
        other,
        folder.file("y.pth"),
        "--map",
        table
      )
      #expect(wrong.status == 65)
      #expect(wrong.messages.contains("nothing"))
    }
  }

  @Test("cuts a slice's storage with --compact")
  func compacts() throws {
    try withTemporaryDirectory { folder in
      let (big, small) = (folder.file("big.pth"), folder.file("small.pth"))
      let views = Fixture.path("torch-2.13/views.pth")
      _ = try PthTool.run("convert", views, big, "--key", "offset")
      _ = try PthTool.run(
        "convert",
        views,
        small,
        "--key",
        "offset",
        "--compact"
      )
      #expect(try readFile(small).count < readFile(big).count)
      #expect(try PthTool.run("diff", big, small).status == 0)
    }
  }

  @Test("writes several files of a given size")
  func shards() throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        "convert",
        Fixture.path("mnist/hw7_trained.pth"),
        folder.file("model.safetensors"),
        "--max-shard-size",
        "1MB"
      )
      #expect(run.status == 0, "\(run.messages)")
      let index = folder.file("model.safetensors.index.json")
      #expect(
        try PthTool.run("diff", Fixture.path("mnist/hw7_trained.pth"), index)
          .status == 0
      )
    }
  }

  @Test(
    "refuses what can't be done with a reason and a usage code",
    arguments: [
      (["--dtype", "float17"], 64), (["--rename", "x"], 64),
      (["--rename", "(=y"], 64), (["--key", "modle"], 65),
      (["--drop", "nothing"], 65), (["--strip-prefix", "nothing."], 65),
      (["--include", "nothing"], 65), (["--to", "nothing"], 64),
      (["--suggest-map", "MyConvNet"], 64), (["--protocol", "6"], 64),
    ] as [([String], Int32)]
  )
  func refuses(arguments: [String], status: Int32) throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        ["convert", Self.training, folder.file("x.pth")] + arguments
      )
      #expect(run.status == status)
      #expect(run.messages != "")
      #expect(try folder.names() == [])
    }
  }
}
