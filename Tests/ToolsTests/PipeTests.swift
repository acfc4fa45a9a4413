import TestSupport
import Testing

/// The tool between pipes.
@Suite("pth in pipes")
struct PipeTests {
  private static let model = Fixture.path("torch-2.13/state_dict.pth")

  @Test("- is standard input, from a file or a pipe, by no other name")
  func readsStandardInput() throws {
    let bytes = try readFile(Self.model)
    let plain = try PthTool.run("info", Self.model).text
    let info = try PthTool.run("info", "-", input: bytes)
    #expect(info.status == 0, "\(info.messages)")
    #expect(
      info.text == plain.replacing(Self.model, with: "standard input")
    )
    let piped = try Self.shell(
      "cat \"$1\" | \"$0\" info - && cat \"$1\" | \"$0\" verify - && "
        + "cat \"$1\" | \"$0\" scan - && cat \"$1\" | \"$0\" show - fc.0.bias "
        + "&& cat \"$1\" | \"$0\" disassemble - | head -n 1",
      Self.model
    )
    #expect(piped.status == 0, "\(piped.messages)")
    #expect(piped.text.hasPrefix(info.text))
    #expect(piped.text.contains("standard input: sound\n"))
    #expect(piped.text.contains("standard input: clean (1 pickle)\n"))
    #expect(piped.text.contains("fc.0.bias: float32 [3]\n"))
    #expect(piped.text.hasSuffix("    0: \\x80 PROTO      2\n"))
    #expect(piped.messages == "")
  }

  @Test("an error in what was piped in names standard input")
  func namesStandardInput() throws {
    let cut = try readFile(Self.model).dropLast(100)
    for command in ["info", "show", "disassemble"] {
      let run = try Self.shell(
        "cat | \"$0\" \(command) -",
        Self.model,
        input: Array(cut)
      )
      #expect(run.status == 65)
      #expect(run.messages.hasPrefix("pth: error: standard input: "))
    }
  }

  @Test(
    "convert writes any format to standard output, all or nothing",
    arguments: ["pth", "pth-legacy", "safetensors", "npz", "gguf"]
  )
  func writesStandardOutput(format: String) throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        ["convert", "-", "-", "--to", format, "--dtype", "float32", "--force"],
        input: readFile(Self.model)
      )
      #expect(run.status == 0, "\(run.messages)")
      let copy = folder.file("copy")
      try writeFile(run.output, to: copy)
      let expected = folder.file("expected")
      _ = try PthTool.run(
        "convert",
        Self.model,
        expected,
        "--to",
        format,
        "--dtype",
        "float32",
        "--force"
      )
      let same = try PthTool.run("diff", expected, copy)
      #expect(same.status == 0, "\(same.text)\(same.messages)")
    }
    let refused = try PthTool.run(
      "convert",
      Fixture.path("torch-2.13/training.pth"),
      "-",
      "--to",
      format == "gguf" ? "gguf" : "npz"
    )
    #expect(refused.status == 65)
    #expect(refused.output.isEmpty)
    #expect(refused.messages.hasPrefix("pth: error: standard output: "))
  }

  @Test("standard output needs a format and takes one file")
  func refusesStandardOutput() throws {
    let unnamed = try PthTool.run("convert", Self.model, "-")
    #expect(unnamed.status == 64)
    #expect(unnamed.messages.contains("--to"))
    let shards = try PthTool.run(
      ["convert", Self.model, "-", "--to", "safetensors"]
        + ["--max-shard-size", "1MB"]
    )
    #expect(shards.status == 64)
  }

  @Test("a reader that has seen enough ends the tool without a word")
  func brokenPipe() throws {
    let run = try Self.shell(
      "for i in $(seq 300); do echo \"$1\"; done | xargs \"$0\" info "
        + "| head -n 1",
      Self.model
    )
    #expect(run.text == "\(Self.model): pytorch-zip\n")
    #expect(run.messages == "" || run.messages.hasPrefix("xargs: "))
  }

  /// Runs a shell's command in which `$0` is the tool and `$1` a file.
  private static func shell(
    _ command: String,
    _ file: String,
    input: [UInt8]? = nil
  ) throws -> Command.Outcome {
    try Command.run(
      "/bin/sh",
      ["-c", command, PthTool.path, file],
      input: input
    )
  }
}
