import Foundation
import OrderedCollections
import Tensors
import TestSupport
import Testing

@Suite("Files' bytes in memory and in other files")
struct MemoryCopyTests {
  // Larger than what one core copies alone, and no multiple of any part.
  private static let size = 9_000_013

  private func mapped(
    _ bytes: [UInt8],
    in folder: TemporaryDirectory
  ) throws -> MappedFile {
    try writeFile(bytes, to: folder.file("source"))
    return try MappedFile.open(folder.file("source"))
  }

  @Test("Copies in memory keep bytes and sharing, whatever the file becomes")
  func copies() throws {
    try withTemporaryDirectory { folder in
      var random = SeededGenerator(for: "copies in memory")
      let bytes = random.bytes(Self.size + 400)
      let file = try mapped(bytes, in: folder)
      let large = try Storage(mapping: file, range: 0..<Self.size)
      let small = try Storage(mapping: file, range: Self.size..<bytes.count)
      let whole = try Tensor(
        dtype: .uint8,
        layout: Layout(contiguous: [Self.size]),
        storage: large
      )
      let view = try Tensor(
        dtype: .uint8,
        layout: Layout(shape: [2, 3], strides: [1, 7], offset: 5),
        storage: large
      )
      let other = try Tensor(
        dtype: .float32,
        layout: Layout(contiguous: [10, 10]),
        storage: small
      )
      let meta = try Tensor(
        dtype: .int64,
        layout: Layout(contiguous: [8]),
        storage: .meta(byteCount: 64)
      )
      let expected = try other.elements(as: Float.self).map(\.bitPattern)
      let copy = try StateDict(
        ["whole": whole, "view": view, "other": other, "meta": meta],
        moduleVersions: ["": 2]
      )
      .inMemory()
      // A shared map shows what is written over the file.
      let handle = try FileHandle(forWritingTo: URL(filePath: file.path))
      try handle.write(contentsOf: Data(count: bytes.count))
      try handle.close()
      #expect(try whole.elements(as: UInt8.self).allSatisfy { $0 == 0 })

      let kept = try #require(copy["whole"])
      #expect(try kept.elements(as: UInt8.self) == Array(bytes[..<Self.size]))
      #expect(copy["view"]?.storage === kept.storage)
      #expect(
        try copy["view"]?.elements(as: UInt8.self)
          == [5, 12, 19, 6, 13, 20].map { bytes[$0] }
      )
      #expect(
        try copy["other"]?.elements(as: Float.self).map(\.bitPattern)
          == expected
      )
      #expect(copy["meta"]?.storage.isMeta == true)
      #expect(copy.moduleVersions == ["": 2])
    }
  }

  @Test(
    "A part of a file comes after what was written before",
    arguments: [AtomicFile.Durability.synchronized, .deferred]
  )
  func writesParts(durability: AtomicFile.Durability) throws {
    try withTemporaryDirectory { folder in
      var random = SeededGenerator(for: "parts of files")
      let bytes = random.bytes(20 << 20)
      let source = try mapped(bytes, in: folder)
      var expected: [UInt8] = []
      let path = folder.file("out")
      let file = try AtomicFile(path, durability: durability)
      for range in [0..<(18 << 20), 7..<9, 5..<200_000, 3..<3] {
        try file.write("head")
        try file.write(range, of: source)
        expected += Array("head".utf8) + bytes[range]
        #expect(file.position == expected.count)
      }
      for range in [0..<bytes.count + 1, -1..<4] {
        #expect(throws: FileError.self) { try file.write(range, of: source) }
      }
      try file.commit()
      #expect(try readFile(path) == expected)
    }
  }

  @Test("Where files can't be copied into, the bytes are written")
  func writesToPipes() throws {
    try withTemporaryDirectory { folder in
      var random = SeededGenerator(for: "through a pipe")
      let bytes = random.bytes(300_000)
      let source = try mapped(bytes, in: folder)
      #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
      try writeFile([], to: folder.file("received"))
      let reader = try ChildProcess(
        "/bin/cat",
        [folder.file("pipe")],
        .init(output: folder.file("received"))
      )
      let file = try AtomicFile(folder.file("pipe"))
      try file.write(0..<bytes.count, of: source)
      try file.commit()
      #expect(reader.wait() == 0)
      #expect(try readFile(folder.file("received")) == bytes)
    }
  }

  @Test("A file that was shortened meanwhile is an error, not a trap")
  func noticesShortening() throws {
    try withTemporaryDirectory { folder in
      let source = try mapped([UInt8](repeating: 7, count: 300_000), in: folder)
      let handle = try FileHandle(forWritingTo: URL(filePath: source.path))
      try handle.truncate(atOffset: 100)
      try handle.close()
      let error = #expect(throws: FileError.self) {
        let file = try AtomicFile(folder.file("out"))
        try file.write(0..<300_000, of: source)
      }
      #expect(error?.path == source.path)
      #expect(error?.operation == .read)
      #expect(try folder.names() == ["source"])
    }
  }
}
