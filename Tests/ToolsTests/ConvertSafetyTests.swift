import Foundation
import TestSupport
import Testing

/// `pth convert` where something is in the way: the disk, names, strangers.
@Suite("pth convert, safely")
struct ConvertSafetyTests {
  private static let trained = Fixture.path("mnist/hw7_trained.pth")

  /// Runs the tool under a limit of the shell's.
  private func runLimited(
    limit: String,
    _ arguments: [String]
  ) throws -> Command.Outcome {
    try Command.run(
      "/bin/sh",
      ["-c", "ulimit \(limit) && exec \"$0\" \"$@\"", PthTool.path]
        + arguments,
      environment: Command.withoutProfile
    )
  }

  @Test(
    "A disk without room leaves what was there, and nothing beside it",
    arguments: ["pth", "safetensors", "npz", "gguf", "csv", "idx.gz"]
  )
  func survivesFullDisk(_ ending: String) throws {
    try withTemporaryDirectory { folder in
      let source =
        ["csv", "idx.gz"].contains(ending)
        ? folder.file("source.npy") : Self.trained
      if source != Self.trained {
        // Noise: it must not fit after compression either.
        let made = try PthTool.run(
          "convert",
          Self.trained,
          source,
          "--include",
          "fc.0.weight",
          "--force"
        )
        #expect(made.status == 0, "\(made.messages)")
      }
      let output = folder.file("x." + ending)
      try writeFile("what was there".utf8, to: output)
      let names = try folder.names()
      // In blocks of 512 bytes: a quarter of a megabyte.
      let run = try runLimited(
        limit: "-f 512",
        ["convert", source, output, "--force", "--no-scale"]
      )
      #expect(run.status == 74, "\(run.messages)")
      #expect(run.messages.contains("x." + ending))
      #expect(run.messages.contains("too large"), "\(run.messages)")
      #expect(try readFile(output) == Array("what was there".utf8))
      #expect(try folder.names() == names)
    }
  }

  @Test("A device without room is an error of writing")
  func tellsFullDevice() throws {
    let run = try PthTool.run(
      "convert",
      Self.trained,
      "/dev/full",
      "--to",
      "safetensors"
    )
    #expect(run.status == 74)
    #expect(run.messages.contains("No space left"), "\(run.messages)")
  }

  @Test(
    "A file converted onto itself is the same checkpoint, also by other dtypes",
    arguments: [
      "all.safetensors", "plain.gguf", "stored.npz", "deflated.npz",
      "c_float32.npy", "labels-idx1-ubyte.gz",
    ]
  )
  func convertsOntoItself(_ name: String) throws {
    try withTemporaryDirectory { folder in
      let original = Fixture.path("formats/" + name)
      let file = folder.file(name)
      try writeFile(readFile(original), to: file)
      let run = try PthTool.run("convert", file, file, "--force")
      #expect(run.status == 0, "\(run.messages)")
      let same = try PthTool.run("diff", original, file)
      #expect(same.status == 0, "\(same.text)")
      #expect(try folder.names() == [name])
    }
    guard name == "c_float32.npy" else { return }
    try withTemporaryDirectory { folder in
      let file = folder.file(name)
      try writeFile(readFile(Fixture.path("formats/" + name)), to: file)
      for dtype in ["float64", "float32"] {
        let run = try PthTool.run(
          "convert",
          file,
          file,
          "--dtype",
          dtype,
          "--force"
        )
        #expect(run.status == 0, "\(run.messages)")
      }
      #expect(
        try readFile(file) == readFile(Fixture.path("formats/" + name))
      )
    }
  }

  @Test("A name as long as the system takes is fine, a longer one an error")
  func takesLongNames() throws {
    try withTemporaryDirectory { folder in
      let longest = String(repeating: "n", count: 251) + ".pth"
      let run = try PthTool.run(
        "convert",
        Self.trained,
        folder.file(longest)
      )
      #expect(run.status == 0, "\(run.messages)")
      #expect(try folder.names() == [longest])
      let longer = try PthTool.run(
        "convert",
        Self.trained,
        folder.file("n" + longest)
      )
      #expect(longer.status == 73)
      #expect(longer.messages.contains("name too long"))
      #expect(try folder.names() == [longest])
    }
  }

  @Test(
    "A tensor's long name is kept or refused",
    arguments: [("safetensors", 0), ("pth", 0), ("gguf", 65)]
  )
  func keepsLongTensorNames(ending: String, status: Int32) throws {
    try withTemporaryDirectory { folder in
      let name = String(repeating: "n", count: 70_000)
      let table = folder.file("names.tsv")
      try writeFile("fc.4.bias\t\(name)\n".utf8, to: table)
      let output = folder.file("x." + ending)
      let run = try PthTool.run([
        "convert", Self.trained, output, "--map", table, "--include",
        "fc.4.bias",
      ])
      #expect(run.status == status, "\(run.messages.prefix(300))")
      #expect(try folder.names().contains("x." + ending) == (status == 0))
    }
  }

  /// The KiB of memory that the tool may map; sanitizers map terabytes.
  private static let addressSpace =
    ProcessInfo.processInfo.environment["PTH_ADDRESS_SPACE"] ?? "2000000"

  static let hostile: [String] =
    (try? Fixture.names(in: "hostile/format", suffix: "")) ?? []

  @Test("There are files of strangers to try")
  func hasHostileFiles() { #expect(Self.hostile.count > 40) }

  @Test(
    "A hostile header is refused in little memory, and nothing is written",
    arguments: hostile
  )
  func refusesHostileHeaders(_ name: String) throws {
    try withTemporaryDirectory { folder in
      let run = try runLimited(
        limit: "-v \(Self.addressSpace)",
        ["convert", Fixture.path(name), folder.file("x.pth"), "--force"]
      )
      #expect(run.status == 65, "\(run.messages)")
      #expect(run.messages.hasPrefix("pth: error: "))
      #expect(try folder.names() == [])
    }
  }
}
