import TestSupport
import Testing

/// The homework's way through the tool: evaluate, export, and what is refused.
@Suite("the homework's commands")
struct HomeworkCommandTests {
  private static let trained = Fixture.path("mnist/hw7_trained.pth")

  private struct Report: Decodable {
    let images: Int
    let loss: Double
    let argmaxAccuracy: Double
    let sampledAccuracy: Double
    let confusion: [[Int]]
  }

  @Test("eval tells PyTorch's own argmax count")
  func evaluates() throws {
    try withTemporaryDirectory { folder in
      for (idx, pth) in [
        ("t10k-images-idx3-ubyte.gz", "test_data.pth"),
        ("t10k-labels-idx1-ubyte.gz", "test_labels.pth"),
      ] {
        let run = try PthTool.run(
          "convert",
          Fixture.path("mnist/" + idx),
          folder.file(pth)
        )
        #expect(run.status == 0, "\(run.messages)")
      }
      let run = try PthTool.run("eval", Self.trained, folder.path, "--json")
      let report: Report = try run.json()
      #expect(report.images == 2000)
      #expect(report.argmaxAccuracy == 1964.0 / 2000)
      #expect(abs(report.loss - 1.4797381099364815) < 1e-5)
      #expect(report.confusion[1][1] == 231)
      #expect(report.sampledAccuracy > 0.97)
    }
  }

  @Test("export spells a Chinese name in pinyin without tones")
  func exports() throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        "export",
        Self.trained,
        "--student-id",
        "21307303",
        "--name",
        "刘卓逸",
        "--output",
        folder.path
      )
      #expect(run.status == 0, "\(run.messages)")
      #expect(try folder.names() == ["hw7_21307303_liuzhuoyi.pth"])
    }
  }

  @Test(
    "export refuses an id or a name that can't be in the pattern",
    arguments: [
      ["2130x", "刘卓逸"], ["", "liu"], ["1", "O_o"], ["1", "Иван"], ["1", ""],
      ["1", "../x"],
    ]
  )
  func refusesNames(pair: [String]) throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        "export",
        Self.trained,
        "--student-id=\(pair[0])",
        "--name=\(pair[1])",
        "--output",
        folder.path
      )
      #expect(run.status == 64)
      #expect(try folder.names().isEmpty)
    }
  }

  @Test("export refuses another network, naming every key")
  func refusesNetworks() throws {
    let run = try PthTool.run(
      "export",
      Fixture.path("torch-2.13/state_dict.pth"),
      "--student-id",
      "1",
      "--name",
      "liu"
    )
    #expect(run.status == 65)
    #expect(run.messages.contains("cnn.0.weight has shape"))
    #expect(run.messages.contains("missing key"))
  }

  @Test("bad inputs give their exit codes")
  func exitCodes() throws {
    try withTemporaryDirectory { folder in
      let empty = folder.file("empty.pth")
      try writeFile([UInt8](), to: empty)
      let text = folder.file("text.pth")
      try writeFile("hello, this is no checkpoint".utf8, to: text)
      #expect(try PthTool.run("info", folder.file("none.pth")).status == 66)
      #expect(try PthTool.run("info", empty).status == 65)
      #expect(try PthTool.run("info", text).status == 65)
      #expect(try PthTool.run("info", folder.path).status == 65)
      #expect(try PthTool.run("info").status == 64)
      let lost = folder.file("no/such/folder.pth")
      #expect(try PthTool.run("convert", Self.trained, lost).status == 73)
    }
  }

  @Test("a file cut anywhere is bad data, never a crash")
  func truncated() throws {
    let whole = try Fixture.bytes("torch-2.13/state_dict.pth")
    try withTemporaryDirectory { folder in
      let file = folder.file("cut.pth")
      for count in stride(from: 1, to: whole.count, by: whole.count / 12) {
        try writeFile(whole.prefix(count), to: file)
        let run = try PthTool.run("info", file)
        #expect(run.status == 65, "cut at \(count): \(run.messages)")
        #expect(run.messages.hasPrefix("pth: error: \(file): "))
      }
    }
  }

  @Test("a word that is no command is answered with the nearest one")
  func unknownCommand() throws {
    let typo = try PthTool.run("inof", Self.trained)
    #expect(typo.status == 64)
    #expect(
      typo.messages
        == "pth: error: there is no command \"inof\"; did you mean `pth info`?\n"
    )
    let file = try PthTool.run(Self.trained)
    #expect(file.status == 64)
    #expect(file.messages.contains("`pth info \(Self.trained)`"))
  }

  @Test("a folder without the dataset and a wrapped network say what to do")
  func hints() throws {
    try withTemporaryDirectory { folder in
      let none = try PthTool.run("eval", Self.trained, folder.path)
      #expect(none.status == 66)
      #expect(none.messages.contains("the folder must hold train_data.pth"))
      let wrapped = folder.file("wrapped.pth")
      let rename = ["--rename", "^=net."]
      _ = try PthTool.run(["convert", Self.trained, wrapped] + rename)
      let run = try PthTool.run(
        ["export", wrapped, "--student-id", "1", "--name", "liu"]
      )
      #expect(run.status == 65)
      #expect(
        run.messages.hasSuffix(
          "take it out with `pth convert \(wrapped) model.pth --strip-prefix "
            + "net.`\n"
        )
      )
      let unwrapped = folder.file("model.pth")
      _ = try PthTool.run(
        ["convert", wrapped, unwrapped, "--strip-prefix", "net."]
      )
      let same = try PthTool.run("diff", Self.trained, unwrapped)
      #expect(same.status == 0, "\(same.text)")
      let other = try PthTool.run(
        ["export", Fixture.path("torch-2.13/bare.pth")]
          + ["--student-id", "1", "--name", "liu"]
      )
      #expect(other.messages.contains("it holds no MyConvNet"))
    }
  }
}
