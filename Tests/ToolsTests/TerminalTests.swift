import TestSupport
import Testing

/// What the tool shows on a terminal, which the program `script` stands for.
@Suite(
  "pth on a terminal",
  .enabled(if: Script.isInstalled, "util-linux's script is missing")
)
struct TerminalTests {
  private static let wrapped = Fixture.path("torch-2.13/wrapped.pth")

  /// Runs the tool on a terminal of some columns; its messages are there too.
  private static func run(
    columns: Int,
    _ arguments: String,
    environment: [String: String] = [:]
  ) throws -> Command.Outcome {
    let settings = environment.map { "\($0.key)=\($0.value) " }.joined()
    return try Command.run(
      "/bin/sh",
      [
        "-c",
        "exec script -qec \"stty cols \(columns); unset NO_COLOR COLUMNS; "
          + "export TERM=xterm; \(settings)'$0' \(arguments)\" /dev/null",
        PthTool.path,
      ]
    )
  }

  private static func lines(_ run: Command.Outcome) -> [String] {
    run.text.replacing("\u{1b}[1m", with: "").replacing("\u{1b}[0m", with: "")
      .split(whereSeparator: \.isNewline).map(String.init)
  }

  @Test(
    "tables fit the width, and names lose their middle",
    arguments: [44, 60]
  )
  func fits(columns: Int) throws {
    let run = try Self.run(columns: columns, "info '\(Self.wrapped)'")
    #expect(run.status == 0)
    let rows = Self.lines(run).dropFirst().dropLast()
    #expect(rows.count == 12)
    #expect(rows.allSatisfy { $0.count <= columns })
    #expect(rows.contains { $0.hasPrefix("state_d") && $0.contains("…") })
    #expect(rows.contains { $0.contains("_tracked  int64") })
    #expect(run.text.contains("\u{1b}[1m"))
  }

  @Test("COLUMNS outdoes the terminal, NO_COLOR takes the colours away")
  func settings() throws {
    let run = try Self.run(
      columns: 44,
      "info '\(Self.wrapped)'",
      environment: ["COLUMNS": "200", "NO_COLOR": "1"]
    )
    #expect(run.text.contains("state_dict.module.cnn.1.num_batches_tracked"))
    #expect(!run.text.contains("\u{1b}"))
  }

  @Test("verdicts and errors are coloured")
  func colours() throws {
    let run = try Self.run(columns: 80, "verify '\(Self.wrapped)' nofile")
    #expect(run.status == 66)
    #expect(run.text.contains("\u{1b}[32msound\u{1b}[0m"))
    #expect(run.text.contains("pth: \u{1b}[1;31merror:\u{1b}[0m nofile: "))
  }

  @Test("a binary file is not sent to a terminal, nor read from one")
  func refusesTerminals() throws {
    let output = try Self.run(
      columns: 80,
      "convert '\(Self.wrapped)' - --to pth"
    )
    #expect(output.status == 64)
    #expect(output.text.contains("Standard output is a terminal"))
    let input = try Self.run(columns: 80, "info -")
    #expect(input.status == 64)
    #expect(input.text.contains("standard input is a terminal"))
  }
}

/// The program that gives others a terminal.
private enum Script {
  /// Whether it is there, as util-linux has it.
  static let isInstalled =
    (try? Command.run("/bin/sh", ["-c", "script --version"]))?.text
    .contains("util-linux") == true
}
