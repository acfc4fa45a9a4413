import TestSupport
import Testing

/// What the tool tells of itself.
@Suite("pth help")
struct HelpTests {
  private static let commands = [
    "info", "show", "verify", "scan", "salvage", "check", "convert",
    "sanitize", "diff", "disassemble", "export", "train", "eval", "formats",
  ]

  @Test("lists every command, the exit codes and examples")
  func overview() throws {
    for arguments in [[], ["--help"], ["help"]] {
      let run = try PthTool.run(arguments)
      #expect(run.status == 0)
      for command in Self.commands {
        #expect(run.text.contains("\n  \(command) "), "\(command)")
      }
      let words = run.text.split(whereSeparator: \.isWhitespace)
      #expect(words.joined(separator: " ").contains("failed; 130 Ctrl-C."))
      #expect(run.text.contains("Examples:\n  pth info "))
    }
  }

  @Test("every command's help has an example", arguments: commands)
  func example(command: String) throws {
    let run = try PthTool.run("help", command)
    #expect(run.status == 0)
    let words = run.text.split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    #expect(words.contains("Example"))
    #expect(words.contains(" pth \(command) "))
    #expect(command == "formats" || words.contains("Exit code 0: "))
  }

  @Test(
    "wrong usage is told as every other error, and then the usage",
    arguments: [
      (["info"], "missing expected argument '<files> ...'"),
      (["scan", "--jsn", "a.pth"], "unknown option '--jsn'"),
      (["check", "a.pth", "--for", "torch-3"], "the value 'torch-3' is"),
      (
        ["eval", "a.pth", "data", "--threads", "0"], "--threads takes 1 to 256"
      ),
      (
        ["export", "a.pth", "--student-id", "x", "--name", "ma"], "the student"
      ),
    ]
  )
  func wrongUsage(arguments: [String], message: String) throws {
    let run = try PthTool.run(arguments)
    #expect(run.status == 64)
    #expect(run.text == "")
    #expect(run.messages.hasPrefix("pth: error: " + message))
    #expect(run.messages.contains("\nUsage: pth \(arguments[0]) "))
    #expect(run.messages.contains("pth \(arguments[0]) --help"))
  }

  @Test("an unknown format is wrong usage")
  func unknownFormat() throws {
    let run = try PthTool.run("convert", "a.pth", "b.pth", "--to", "zip")
    #expect(run.status == 64)
    #expect(
      run.messages
        == "pth: error: there is no format \"zip\"; `pth formats` lists them\n"
    )
  }

  @Test("an output that can't be made is told what would help")
  func outputHints() throws {
    try withTemporaryDirectory { folder in
      let model = Fixture.path("torch-2.13/bare.pth")
      let lost = folder.file("new/copy.pth")
      let run = try PthTool.run("convert", model, lost)
      #expect(run.status == 73)
      #expect(
        run.messages.hasSuffix(
          "; `mkdir -p \(folder.path)/new` makes the folder\n"
        )
      )
      let copy = folder.file("copy.pth")
      _ = try PthTool.run("convert", model, copy)
      let again = try PthTool.run("convert", model, copy)
      #expect(again.status == 73)
      #expect(again.messages.hasSuffix("; --force replaces it\n"))
    }
  }
}
