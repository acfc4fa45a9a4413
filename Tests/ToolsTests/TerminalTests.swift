import TestSupport
import Testing

@testable import pth

/// What the tool shows on a terminal, which the program `script` stands for.
@Suite(
  "pth on a terminal",
  .enabled(if: Script.isInstalled, "util-linux's script is missing")
)
struct TerminalTests {
  private static let wrapped = Fixture.path("torch-2.13/wrapped.pth")

  /// Runs the tool on a terminal of some columns; its messages are there too.
  ///
  /// A command in front may write to its standard input.
  private static func run(
    columns: Int,
    _ arguments: String,
    environment: [String: String] = [:],
    input: String = ""
  ) throws -> Command.Outcome {
    let settings = environment.map { "\($0.key)=\($0.value) " }.joined()
    return try Command.run(
      "/bin/sh",
      [
        "-c",
        "exec script -qec \"stty cols \(columns); unset NO_COLOR COLUMNS; "
          + "export TERM=xterm; \(input) \(settings)'$0' \(arguments)\" "
          + "/dev/null",
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

  @Test("the formats' summaries get lines of their own where it is narrow")
  func narrowFormats() throws {
    let wide = Self.lines(try Self.run(columns: 140, "formats"))
    let narrow = Self.lines(try Self.run(columns: 70, "formats"))
    let count = try FormatsCommandTests.formats().count
    #expect(wide.count == 1 + count)
    #expect(narrow.count == 1 + 2 * count)
    #expect(narrow.allSatisfy { $0.count <= 70 && !$0.contains("…") })
    #expect(narrow.contains { $0.hasPrefix("    NumPy's archive of") })
  }

  @Test("the list of statistics has fewer digits rather than cut names")
  func statistics() throws {
    let file = Fixture.path("mnist/hw7_trained.pth")
    let wide = Self.lines(try Self.run(columns: 120, "show '\(file)'"))
    #expect(wide.contains { $0.hasPrefix("cnn.0.weight ") })
    #expect(wide.contains { $0.contains("-0.357263") })
    let narrow = Self.lines(try Self.run(columns: 80, "show '\(file)'"))
    #expect(narrow.allSatisfy { $0.count <= 80 }, "\(narrow)")
    #expect(narrow.contains { $0.hasPrefix("cnn.0.weight ") }, "\(narrow)")
    #expect(narrow.contains { $0.contains("-0.357 ") }, "\(narrow)")
  }

  @Test(
    "what is too wide for a line goes on in the next, whole",
    arguments: [40, 60]
  )
  func wraps(columns: Int) throws {
    let file = Fixture.path("mnist/hw7_trained.pth")
    let other = Self.wrapped
    let commands = [
      "show '\(file)'", "show '\(file)' cnn.0.weight",
      "diff '\(file)' '\(other)'",
    ]
    for command in commands {
      let wide = Self.lines(try Self.run(columns: 1000, command))
      let narrow = Self.lines(try Self.run(columns: columns, command))
      #expect(narrow.count > wide.count, "\(command)")
      // Paths and long names are words, and are not cut.
      let words = narrow.filter {
        $0.split(separator: " ").allSatisfy { $0.utf8.count < columns - 2 }
      }
      #expect(words.allSatisfy { $0.count <= columns }, "\(narrow)")
      if command.hasPrefix("show") {
        #expect(narrow.contains { $0.contains("-0.357263") }, "\(narrow)")
      }
    }
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

  @Test("a digit is drawn in shades of grey, half a line a pixel")
  func shades() throws {
    let images = Fixture.path("mnist/t10k-images-idx3-ubyte.gz")
    let run = try Self.run(columns: 80, "show '\(images)' --index 3")
    let rows = Self.lines(run).filter { $0.contains("▀") }
    #expect(rows.count == 14)
    // 28 pixels a row, from black (232) to white (255).
    #expect(rows.allSatisfy { $0.split(separator: "▀").count == 28 })
    #expect(rows.contains { $0.contains("\u{1b}[38;5;255;48;5;255m▀") })
    #expect(rows.allSatisfy { $0.hasPrefix("\u{1b}[38;5;232;48;5;232m▀") })
  }

  @Test("what takes long is told of on one line, which goes away again")
  func progress() throws {
    let path = Self.wrapped
    let run = try Self.run(
      columns: 60,
      "info -",
      input: """
        (head -c 1000 '\(path)'; sleep 2; tail -c +1001 '\(path)') |
        """
    )
    #expect(run.status == 0, "\(run.text)")
    let clear = "\r\u{1b}[2K"
    #expect(run.text.contains(clear + "reading standard input "))
    #expect(run.text.contains(" KiB/s" + clear))
    #expect(run.text.contains("float32"))
  }

  @Test("a progress line tells part, speed and time left, and fits")
  func showsProgress() {
    let line = ProgressBar.line(
      "writing x.pth",
      done: 3 << 30,
      total: 6 << 30,
      seconds: 2,
      columns: 100
    )
    #expect(
      line == "writing x.pth [###############---------------] 50% of 6.0 GiB, "
        + "1.5 GiB/s, 2 s left"
    )
    #expect(
      ProgressBar.line(
        "testing x.pth",
        done: 2500,
        total: 10_000,
        unit: .things("images"),
        seconds: 0.5,
        columns: 100
      ) == "testing x.pth [#######-----------------------] 25% of 10,000 "
        + "images, 5,000 images/s, 2 s left"
    )
    for columns in [20, 40, 60, 80] {
      let line = ProgressBar.line(
        "writing a file with a long name.pth",
        done: 1,
        total: 1 << 40,
        seconds: 100,
        columns: columns
      )
      #expect(line.count < columns)
      let open = ProgressBar.line(
        "从标准输入读取一个名字很长的文件",
        done: 3 << 20,
        total: nil,
        seconds: 2,
        columns: columns
      )
      #expect(TextWidth.columns(of: open) < columns)
      #expect(open.hasSuffix("1.5 MiB/s"))
    }
  }

  @Test("a binary file is not sent to a terminal, nor read from one")
  func refusesTerminals() throws {
    let output = try Self.run(
      columns: 80,
      "convert '\(Self.wrapped)' - --to pth"
    )
    #expect(output.status == 64)
    #expect(output.text.contains("standard output is a terminal"))
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
