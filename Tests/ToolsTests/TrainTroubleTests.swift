import Foundation
import TestSupport
import Testing

/// What goes wrong while training is told, and the best checkpoint stays.
@Suite("pth train in trouble")
struct TrainTroubleTests {
  private static let checkpoint = "hw7_1_liu.pth"
  private static let logs = ["hw7_1_liu_log.txt", "hw7_1_liu_test_log.txt"]

  /// A folder that a run of one epoch has written its checkpoint into.
  private static func trained() throws -> TemporaryDirectory {
    let output = try TemporaryDirectory()
    let run = try DigitFolder.train(
      DigitFolder.good.get(),
      into: output,
      "--epochs",
      "1"
    )
    #expect(run.status == 0, "\(run.messages)")
    return output
  }

  /// Trains with files of at most so many blocks of 512 bytes, as on a disk
  /// that fills up.
  private static func train(
    blocks: Int,
    into output: TemporaryDirectory,
    _ more: String...
  ) throws -> Command.Outcome {
    let arguments = try DigitFolder.arguments(
      DigitFolder.good.get(),
      into: output,
      more
    )
    return try Command.run(
      "/bin/sh",
      ["-c", "ulimit -f \(blocks) && exec \"$0\" \"$@\"", PthTool.path]
        + arguments,
      environment: Command.withoutProfile
    )
  }

  private static func isWhole(_ file: String) throws -> Bool {
    let verified = try PthTool.run("verify", file)
    let evaluated = try PthTool.run(
      ["eval", file, DigitFolder.good.get().path]
    )
    return verified.status == 0 && evaluated.status == 0
  }

  @Test("a loss that is no number is told with epoch and batch")
  func lossIsNoNumber() throws {
    let output = try Self.trained()
    let before = try readFile(output.file(Self.checkpoint))
    let run = try DigitFolder.train(
      DigitFolder.good.get(),
      into: output,
      "--lr",
      "1e30"
    )
    #expect(run.status == 65)
    #expect(
      run.messages.hasPrefix(
        "pth: error: the loss is not a number in epoch 1, batch "
      ),
      "\(run.messages)"
    )
    #expect(run.messages.hasSuffix("; try a smaller learning rate\n"))
    #expect(try readFile(output.file(Self.checkpoint)) == before)
  }

  @Test("an output that can't be made is told before the first epoch")
  func unwritable() throws {
    let data = try DigitFolder.good.get()
    try withTemporaryDirectory { folder in
      try writeFile("a file".utf8, to: folder.file("file"))
      let places = [
        (folder.file("none"), "none/" + Self.checkpoint),
        (folder.file("file"), "file/" + Self.checkpoint),
      ]
      for (place, named) in places {
        let run = try PthTool.run(
          ["train", data.path, "--student-id", "1", "--name", "liu"]
            + ["--output", place]
        )
        #expect(run.status == 73)
        #expect(run.output.isEmpty)
        #expect(run.messages.contains(folder.file(named) + ": can't be made"))
      }
      let state = try DigitFolder.train(
        data,
        into: folder,
        "--save-state",
        folder.file("none/state.pth")
      )
      #expect(state.status == 73)
      #expect(state.messages.contains("none/state.pth: can't be made"))
      #expect(try folder.names() == ["file"])
    }
  }

  @Test("a checkpoint that can't be made is told before the first epoch")
  func folderInTheWay() throws {
    try withTemporaryDirectory { output in
      try FileManager.default.createDirectory(
        atPath: output.file(Self.checkpoint),
        withIntermediateDirectories: false
      )
      let run = try DigitFolder.train(DigitFolder.good.get(), into: output)
      #expect(run.status == 73)
      #expect(run.output.isEmpty)
      #expect(run.messages.contains(output.file(Self.checkpoint)))
      #expect(try output.names() == [Self.checkpoint])
    }
  }

  @Test("a disk that fills up at a checkpoint leaves the one before")
  func checkpointTooLarge() throws {
    let output = try Self.trained()
    let before = try readFile(output.file(Self.checkpoint))
    let run = try Self.train(blocks: 200, into: output, "--epochs", "2")
    #expect(run.status == 74)
    #expect(
      run.messages.hasPrefix(
        "pth: error: \(output.file(Self.checkpoint)): can't be written: "
      ),
      "\(run.messages)"
    )
    #expect(try readFile(output.file(Self.checkpoint)) == before)
    #expect(
      try output.names().filter {
        !$0.hasSuffix(".png") && !$0.hasSuffix(".svg")
      } == [Self.checkpoint] + Self.logs
    )
  }

  @Test("a disk that fills up at the state leaves the checkpoint of the epoch")
  func stateTooLarge() throws {
    try withTemporaryDirectory { output in
      let state = output.file("state.pth")
      // The checkpoint takes 2.7 MiB and the state three times as much.
      let run = try Self.train(
        blocks: 10_000,
        into: output,
        "--epochs",
        "2",
        "--save-state",
        state
      )
      #expect(run.status == 74)
      #expect(
        run.messages.hasPrefix("pth: error: \(state): can't be written: "),
        "\(run.messages)"
      )
      #expect(run.text.contains("[ Valid | 001/002 ]"))
      #expect(!run.text.contains("[ Train | 002/002 ]"))
      #expect(try output.names() == [Self.checkpoint] + Self.logs)
      #expect(try Self.isWhole(output.file(Self.checkpoint)))
    }
  }

  @Test(
    "a log on a full disk ends the run after the epoch, with its checkpoint",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))
  )
  func fullLog() throws {
    try withTemporaryDirectory { output in
      let log = output.file(Self.logs[1])
      try FileManager.default.createSymbolicLink(
        atPath: log,
        withDestinationPath: "/dev/full"
      )
      let run = try DigitFolder.train(
        DigitFolder.good.get(),
        into: output,
        "--epochs",
        "3"
      )
      #expect(run.status == 74)
      #expect(
        run.messages.hasPrefix("pth: error: \(log): can't be written: "),
        "\(run.messages)"
      )
      #expect(!run.text.contains("[ Train | 002/003 ]"))
      #expect(try Self.isWhole(output.file(Self.checkpoint)))
    }
  }
}
