import Foundation
import TestSupport
import Testing

/// `pth train` as a user runs it: its files and its pictures.
@Suite("pth train")
struct TrainRunTests {
  private static let checkpoint = "hw7_1_liu.pth"
  private static let logs = ["hw7_1_liu_log.txt", "hw7_1_liu_test_log.txt"]
  private static let pictures = [
    "hw7_1_liu_acc.png", "hw7_1_liu_acc.svg", "hw7_1_liu_loss.png",
    "hw7_1_liu_loss.svg",
  ]

  private static func lines(_ file: String) throws -> [String] {
    String(decoding: try readFile(file), as: UTF8.self)
      .split(separator: "\n").map(String.init)
  }

  @Test("writes checkpoint, logs and pictures, and tells what the script tells")
  func writes() throws {
    try withTemporaryDirectory { output in
      let run = try DigitFolder.train(
        DigitFolder.good.get(),
        into: output,
        "--epochs",
        "2",
        "--plots"
      )
      #expect(run.status == 0, "\(run.messages)")
      #expect(
        try output.names()
          == ([Self.checkpoint] + Self.logs + Self.pictures).sorted()
      )
      let told = run.text.split(separator: "\n")
      let heads = [
        "[ Train | 001/002 ] loss = ", "[ Valid | 001/002 ] loss = ",
      ]
      #expect(heads.allSatisfy { head in told.contains { $0.hasPrefix(head) } })
      #expect(told.contains { $0.hasSuffix(" -> best") })
      #expect(run.text.contains(" (sampled)\n"))
      #expect(run.text.contains(" (argmax)\n"))
      let log = try Self.lines(output.file(Self.logs[0]))
      #expect(log.count == 3)
      #expect(log.first == "0 0 0 0 0")
      let curves = try Self.lines(output.file("hw7_1_liu_acc.svg"))
        .joined()
      for name in ["train", "valid", "test", "epoch", "accuracy"] {
        #expect(curves.contains(">\(name)<"), "\(name)")
      }
    }
  }

  @Test("succeeds without gnuplot, with a hint", arguments: [true, false])
  func missingGnuplot(_ isAsked: Bool) throws {
    try withTemporaryDirectory { output in
      let more = ["--epochs", "1"] + (isAsked ? ["--plots"] : [])
      let run = try PthTool.run(
        DigitFolder.arguments(DigitFolder.good.get(), into: output, more),
        environment: ["PATH": output.path]
      )
      #expect(run.status == 0)
      let kind = isAsked ? "warning" : "note"
      #expect(run.messages.hasPrefix("pth: \(kind): gnuplot is not installed"))
      #expect(run.messages.contains("apt-get install gnuplot-nox"))
      #expect(try output.names() == [Self.checkpoint] + Self.logs)
    }
  }
}
