import Foundation
import Tensors
import TestSupport
import Testing

/// What goes wrong while the tool writes: the old file or the new one is
/// there, whole, and nothing else is left.
@Suite("Faults in the middle of a write", .serialized)
struct FaultTests {
  private static let endings = [
    "pth", "safetensors", "npz", "npy", "gguf", "idx", "idx.gz",
  ]

  /// A safetensors file of float32 tensors, so large that writing it takes
  /// time.
  private func makeInput(
    _ path: String,
    tensors: Int = 1,
    megabytes: Int,
    value: UInt8 = 1
  ) throws {
    let size = megabytes << 20
    let entries = (0..<tensors).map { index in
      """
      "t\(index)":{"dtype":"F32","shape":[\(size / 4)],\
      "data_offsets":[\(index * size),\((index + 1) * size)]}
      """
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) {
      Array($0)
    }
    let data = [UInt8](repeating: value, count: size * tensors)
    try writeFile(length + header + data, to: path)
  }

  private func start(_ arguments: String...) throws -> ChildProcess {
    try ChildProcess(
      PthTool.path,
      arguments,
      environment: Command.withoutProfile
    )
  }

  @Test("A write killed at any moment leaves the old file or the new one")
  func survivesKilling() throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let (input, output) = (folder.file("in.safetensors"), folder.file("o.pth"))
    try makeInput(input, megabytes: 8)
    let clock = ContinuousClock()
    var duration = Duration.zero
    for _ in 0..<3 {
      duration = try clock.measure {
        let outcome = try PthTool.run("convert", "--force", input, output)
        #expect(outcome.status == 0, "\(outcome.messages)")
      }
    }
    let new = try readFile(output)
    let old: [UInt8] = Array("the old file".utf8)
    let longest = Int(duration / .microseconds(1)) * 5 / 4
    var random = SeededGenerator(for: "moments of killing")
    var (oldCount, newCount, leftovers) = (0, 0, 0)
    for round in 0..<200 {
      try writeFile(old, to: output)
      let process = try start("convert", "--force", input, output)
      // Where the tool starts slowly, few moments lie in the writing itself.
      let isWriting = round.isMultiple(of: 4)
      if isWriting {
        let end = clock.now + .microseconds(longest)
        let names = try folder.names().count
        while try folder.names().count == names, clock.now < end { usleep(50) }
      }
      let most = isWriting ? longest / 20 : longest
      usleep(UInt32(Int.random(in: 0...most, using: &random)))
      kill(process.id, SIGKILL)
      process.wait()
      let found = try readFile(output)
      #expect(found == old || found == new, "\(found.count) bytes")
      if found == old { oldCount += 1 } else { newCount += 1 }
      if try folder.names().count > 2 { leftovers += 1 }
    }
    print("killed: \(oldCount) old, \(newCount) new, \(leftovers) left a file")
    #expect(oldCount > 0 && newCount > 0 && leftovers > 0)
    let last = try PthTool.run("convert", "--force", input, output)
    #expect(last.status == 0, "\(last.messages)")
    #expect(try readFile(output) == new)
    #expect(try folder.names() == ["in.safetensors", "o.pth"])
  }

  @Test("A file that may not grow is an error", arguments: endings)
  func noticesLimits(_ ending: String) throws {
    try withTemporaryDirectory { folder in
      let (input, output) = (folder.file("i.safetensors"), "out.\(ending)")
      try makeInput(input, megabytes: 1)
      // Incompressible, for the formats that compress.
      var random = SeededGenerator(for: "noise")
      var noise = try readFile(input)
      noise.replaceSubrange(
        (noise.count - 500_000)...,
        with: random.bytes(500_000)
      )
      try writeFile(noise, to: input)
      try writeFile([7], to: folder.file(output))
      let script = """
        ulimit -f 200; exec "$0" convert --force "$1" "$2"
        """
      let outcome = try Command.run(
        "/bin/sh",
        ["-c", script, PthTool.path, input, output],
        directory: folder.path,
        environment: Command.withoutProfile
      )
      #expect(outcome.status == 74, "\(outcome.messages)")
      #expect(outcome.messages.contains("pth: error: \(output)"))
      #expect(outcome.messages.contains("File too large"))
      #expect(try readFile(folder.file(output)) == [7])
      #expect(try folder.names() == ["i.safetensors", output])
    }
  }

  /// Calls `body` with a file system of some MiB; skips it where none is
  /// allowed.
  private func withSmallDisk(
    megabytes: Int = 1,
    _ body: (String) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      let disk = folder.file("disk")
      try FileManager.default.createDirectory(
        atPath: disk,
        withIntermediateDirectories: false
      )
      let mount = "/bin/mount"
      let options = ["-t", "tmpfs", "-o", "size=\(megabytes)m", "none", disk]
      guard FileManager.default.isExecutableFile(atPath: mount),
        try Command.run(mount, options).status == 0
      else {
        print("no file system may be mounted here")
        return
      }
      defer { _ = try? Command.run("/bin/umount", [disk]) }
      try body(disk)
    }
  }

  @Test("A disk with room for the old file and the new one is enough")
  func replacesOnTightDisks() throws {
    try withSmallDisk(megabytes: 8) { disk in
      let path = disk + "/x"
      for round in 0..<20 {
        let bytes = [UInt8](repeating: UInt8(round), count: 3 << 20)
        let file = try AtomicFile(path, expectedSize: bytes.count)
        try file.write(bytes)
        try file.commit()
        #expect(try readFile(path) == bytes)
      }
    }
  }

  @Test("A full file system is an error", arguments: endings)
  func noticesFullDisks(_ ending: String) throws {
    try withSmallDisk { disk in
      try withTemporaryDirectory { folder in
        let input = folder.file("in.safetensors")
        try makeInput(input, megabytes: 3)
        var random = SeededGenerator(for: "noise")
        var noise = try readFile(input)
        noise.replaceSubrange(
          (noise.count - 2_500_000)...,
          with: random.bytes(2_500_000)
        )
        try writeFile(noise, to: input)
        let output = disk + "/out.\(ending)"
        try writeFile([7], to: output)
        let outcome = try PthTool.run("convert", "--force", input, output)
        #expect(outcome.status == 74, "\(outcome.messages)")
        #expect(outcome.messages.contains("No space left"))
        #expect(try readFile(output) == [7])
        let names = try FileManager.default.contentsOfDirectory(atPath: disk)
        #expect(names == ["out.\(ending)"])
      }
    }
  }

  @Test("A folder that can't be written to is an error before any work")
  func noticesUnwritableFolders() throws {
    try withTemporaryDirectory { folder in
      let input = folder.file("in.safetensors")
      try makeInput(input, megabytes: 1)
      try FileManager.default.createDirectory(
        atPath: folder.file("folder.pth"),
        withIntermediateDirectories: false
      )
      // Nobody, not even root, makes a file in /proc.
      let outputs = [
        "folder.pth", "missing/o.pth", "in.safetensors/o.pth", "/proc/o.pth",
      ]
      for output in outputs {
        let outcome = try PthTool.run(
          ["convert", input, output],
          directory: folder.path
        )
        #expect(outcome.status == 73, "\(output): \(outcome.messages)")
        #expect(outcome.messages.hasPrefix("pth: error: \(output)"))
      }
      #expect(try folder.names() == ["folder.pth", "in.safetensors"])
    }
  }

  @Test("What can't be read is an error")
  func noticesReadErrors() throws {
    try withTemporaryDirectory { folder in
      let unreadable = ["/proc/self/mem", "/proc/kmsg", "/dev/null"]
      for input in unreadable
      where FileManager.default.fileExists(atPath: input) {
        let outcome = try PthTool.run(
          "convert",
          input,
          folder.file("out.pth")
        )
        #expect((65...74).contains(outcome.status), "\(outcome.messages)")
        #expect(outcome.messages.hasPrefix("pth: error: \(input)"))
      }
      #expect(try folder.names() == [])
    }
  }

  @Test(
    "An input that shrinks while it is read is an error that names it",
    arguments: ["pth", "safetensors", "gguf"]
  )
  func noticesShrinking(_ ending: String) throws {
    try withTemporaryDirectory { folder in
      let input = folder.file("in.safetensors")
      let (pipe, messages) = (folder.file("o.\(ending)"), folder.file("log"))
      try makeInput(input, tensors: 4, megabytes: 4)
      #expect(mkfifo(pipe, 0o600) == 0)
      try writeFile([], to: messages)
      let process = try ChildProcess(
        PthTool.path,
        ["convert", "--force", input, pipe],
        .init(messages: messages)
      )
      // The pipe is full after 64 kB: the tool waits in the first tensor.
      let reader = try FileHandle(forReadingFrom: URL(fileURLWithPath: pipe))
      #expect(try reader.read(upToCount: 1000)?.isEmpty == false)
      #expect(truncate(input, 5000) == 0)
      while try reader.read(upToCount: 1 << 20)?.isEmpty == false {}
      #expect(process.wait() == 74)
      let text = String(decoding: try readFile(messages), as: UTF8.self)
      #expect(text.contains("pth: error: \(input)"), "\(text)")
      #expect(text.contains("changed while being read"), "\(text)")
    }
  }

  @Test("Of two writers at once one wins, and its file is whole")
  func takesTwoWriters() throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let output = folder.file("out.pth")
    var contents: [[UInt8]] = []
    for name in ["a", "b"] {
      let input = folder.file(name + ".safetensors")
      try makeInput(input, megabytes: 4, value: name == "a" ? 1 : 2)
      #expect(
        try PthTool.run("convert", "--force", input, output).status == 0
      )
      contents.append(try readFile(output))
    }
    #expect(contents[0] != contents[1])
    for _ in 0..<20 {
      let writers = try ["a", "b"].map {
        try start(
          "convert",
          "--force",
          folder.file($0 + ".safetensors"),
          output
        )
      }
      for writer in writers {
        #expect(writer.wait() == 0)
      }
      #expect(contents.contains(try readFile(output)))
      let names = try folder.names()
      #expect(names == ["a.safetensors", "b.safetensors", "out.pth"])
    }
  }
}
