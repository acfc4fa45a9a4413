import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Writing files atomically")
struct AtomicFileTests {
  private func write(_ bytes: [UInt8], to path: String) throws {
    let file = try AtomicFile(path, expectedSize: bytes.count)
    try file.write(bytes)
    try file.commit()
  }

  private func mode(of path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  @Test("The file appears when it is committed, and not before")
  func appearsOnCommit() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("out")
      let file = try AtomicFile(path)
      try file.write("hello")
      #expect(!FileManager.default.fileExists(atPath: path))
      try file.commit()
      #expect(try readFile(path) == Array("hello".utf8))
      #expect(try folder.names() == ["out"])
    }
  }

  @Test("Small and large writes, and later changes, keep their order")
  func keepsOrder() throws {
    try withTemporaryDirectory { folder in
      var random = SeededGenerator(for: "atomic writes")
      var expected: [UInt8] = []
      let path = folder.file("out")
      let file = try AtomicFile(path)
      for size in [1, 70_000, 5, 300_000, 2_000_000, 0, 12, 1_048_576, 3] {
        let piece = random.bytes(size)
        try file.write(piece)
        expected += piece
        #expect(file.position == expected.count)
      }
      for offset in [0, 69_999, expected.count - 2] {
        let patch: [UInt8] = [1, 2]
        try patch.withUnsafeBytes { try file.overwrite(at: offset, $0) }
        expected.replaceSubrange(offset..<offset + 2, with: patch)
      }
      try file.commit()
      #expect(try readFile(path) == expected)
    }
  }

  @Test("Without a commit the old file stays and nothing is left")
  func discards() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("out")
      try writeFile([7], to: path)
      do {
        let file = try AtomicFile(path, expectedSize: 1000)
        try file.write("half")
      }
      #expect(try readFile(path) == [7])
      #expect(try folder.names() == ["out"])
    }
  }

  @Test("A reserved size that is not used is given back")
  func truncates() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("out")
      let file = try AtomicFile(path, expectedSize: 1 << 20)
      try file.write("short")
      try file.commit()
      #expect(try readFile(path).count == 5)
    }
  }

  @Test("The old file's permissions are kept; a link stays a link")
  func keepsModeAndLink() throws {
    try withTemporaryDirectory { folder in
      let manager = FileManager.default
      let target = folder.file("target")
      let link = folder.file("link")
      try writeFile([1], to: target)
      try manager.setAttributes(
        [.posixPermissions: 0o640],
        ofItemAtPath: target
      )
      try manager.createSymbolicLink(
        atPath: link,
        withDestinationPath: "target"
      )
      try write([2], to: link)
      #expect(try manager.destinationOfSymbolicLink(atPath: link) == "target")
      #expect(try readFile(target) == [2])
      #expect(try mode(of: target) == 0o640)

      let dangling = folder.file("dangling")
      try manager.createSymbolicLink(
        atPath: dangling,
        withDestinationPath: "new"
      )
      try write([3], to: dangling)
      #expect(try readFile(folder.file("new")) == [3])
      let names = ["dangling", "link", "new", "target"]
      #expect(try folder.names() == names)
    }
  }

  @Test("An existing file is only replaced where that is wanted")
  func doesNotOverwrite() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("out")
      let file = try AtomicFile(path, overwriting: false)
      try file.write("mine")
      // Another writer is faster.
      try writeFile([9], to: path)
      let late = #expect(throws: FileError.self) { try file.commit() }
      #expect(late?.code == EEXIST)
      let early = #expect(throws: FileError.self) {
        try AtomicFile(path, overwriting: false)
      }
      #expect(early?.code == EEXIST)
      #expect(try readFile(path) == [9])
      #expect(try folder.names() == ["out"])
      let fresh = try AtomicFile(folder.file("fresh"), overwriting: false)
      try fresh.write("x")
      try fresh.commit()
      #expect(try folder.names() == ["fresh", "out"])
    }
  }

  @Test("Targets that can't be written are refused before any work")
  func refusesTargets() throws {
    try withTemporaryDirectory { folder in
      let code = { (path: String) -> Int32? in
        do throws(FileError) {
          _ = try AtomicFile(path)
          return nil
        } catch {
          return error.code
        }
      }
      #expect(code(folder.path) == EISDIR)
      #expect(code(folder.file("missing/out")) == ENOENT)
      #expect(code("") == ENOENT)
      try writeFile([], to: folder.file("file"))
      #expect(code(folder.file("file/out")) == ENOTDIR)
      let loop = folder.file("loop")
      try FileManager.default.createSymbolicLink(
        atPath: loop,
        withDestinationPath: "loop"
      )
      #expect(code(loop) == ELOOP)
    }
  }

  @Test("A full device is an error that says so", .enabled(if: hasFullDevice))
  func noticesFullDevice() throws {
    let file = try AtomicFile("/dev/full")
    try file.write("x")
    let error = #expect(throws: FileError.self) { try file.commit() }
    #expect(error?.code == ENOSPC)
    #expect(FileManager.default.fileExists(atPath: "/dev/full"))
  }

  @Test("A pipe is written to straight away")
  func writesToPipe() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("pipe")
      #expect(mkfifo(path, 0o600) == 0)
      let reader = open(path, O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      let file = try AtomicFile(path)
      try file.write("through")
      try file.commit()
      var buffer = [UInt8](repeating: 0, count: 16)
      let count = read(reader, &buffer, 16)
      #expect(Array(buffer.prefix(max(0, count))) == Array("through".utf8))
    }
  }

  @Test("What a dead process left is removed; what is being written is not")
  func removesLeftovers() throws {
    try withTemporaryDirectory { folder in
      // Process numbers are used again: the first process is always there.
      let dead = [".out.pth-1-abc.tmp", ".out.pth-\(getpid())-abc.tmp"]
      let living = ".out.pth-2-abc.tmp"
      let other = ".other.pth-1-abc.tmp"
      for name in dead + [living, other] {
        try writeFile([0], to: folder.file(name))
      }
      let descriptor = open(folder.file(living), O_RDONLY)
      defer { close(descriptor) }
      #expect(flock(descriptor, LOCK_EX) == 0)
      let concurrent = try AtomicFile(folder.file("out"))
      try write([1], to: folder.file("out"))
      let names = try folder.names()
      #expect(names.allSatisfy { !dead.contains($0) })
      #expect(names.contains(living))
      #expect(names.contains(other))
      try concurrent.write([2])
      try concurrent.commit()
      #expect(try readFile(folder.file("out")) == [2])
    }
  }

  @Test("A source that changes while it is copied keeps the copy from being")
  func refusesChangedSources() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("in")
      try writeFile([UInt8](repeating: 7, count: 100), to: path)
      let source = try MappedFile.open(path)
      try writeFile([1], to: folder.file("out"))
      let error = #expect(throws: FileError.self) {
        try AtomicFile.reading([source]) {
          let file = try AtomicFile(folder.file("out"))
          #expect(truncate(path, 10) == 0)
          try source.withUnsafeBytes { try file.write($0) }
          try file.commit()
        }
      }
      #expect(error?.path == path)
      #expect(error?.detail == "changed while being read")
      #expect(try readFile(folder.file("out")) == [1])
      #expect(try folder.names() == ["in", "out"])
    }
  }

  @Test("A name of 255 bytes can be written")
  func takesLongNames() throws {
    try withTemporaryDirectory { folder in
      let name = String(repeating: "n", count: 255)
      try write([1], to: folder.file(name))
      #expect(try folder.names() == [name])
    }
  }
}

private let hasFullDevice = FileManager.default.fileExists(atPath: "/dev/full")
