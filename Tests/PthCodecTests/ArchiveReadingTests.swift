import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("Reading archives")
struct ArchiveReadingTests {
  @Test(
    "Every record of PyTorch's files is read and has its CRC",
    arguments: ["torch-1.13", "torch-2.13"]
  )
  func readsFixtures(folder: String) throws {
    let names = try Archives.fixtures(in: folder)
    #expect(names.count > 50)
    for name in names {
      let file = try MappedFile.open(Fixture.path(name))
      let reader = try ArchiveReader(file)
      let contents = try Archives.contents(ArchiveBytes(file))
      #expect(contents.contains { $0.name == "data.pkl" }, "\(name)")
      for index in reader.directory.records.indices {
        let record = reader.name(at: index)
        guard !record.isEmpty else { continue }
        #expect(reader.index(of: record) == index, "\(name) \(record)")
      }
    }
  }

  @Test("A storage is a view of the file, not a copy")
  func isZeroCopy() throws {
    let file = try MappedFile.open(Fixture.path("torch-2.13/bare.pth"))
    let storage = try ArchiveReader(file).storage(forRecord: "data/0")
    let inside = try storage.withUnsafeBytes { part in
      file.withUnsafeBytes { whole in
        guard let start = whole.baseAddress, let first = part.baseAddress
        else { return false }
        return first >= start && first < start + whole.count
      }
    }
    #expect(inside)
  }

  @Test("Deflated records are inflated, from many threads at once")
  func inflates() async throws {
    let path = Fixture.path("torch-2.13/container_deflated.pth")
    let reader = try ArchiveReader(MappedFile.open(path))
    #expect(reader.directory.records.contains { $0.isDeflated })
    try await withThrowingTaskGroup(of: [Int].self) { group in
      for _ in 0..<16 {
        group.addTask {
          try reader.directory.records.indices.map { index in
            try reader.storage(at: index, checkingSum: true).byteCount
          }
        }
      }
      let sizes = reader.directory.records.map(\.uncompressedSize)
      for try await result in group { #expect(result == sizes) }
    }
  }

  @Test("Names are found without regard to case, as PyTorch finds them")
  func ignoresCase() throws {
    let bytes = try Archives.written([("data.pkl", [1]), ("Data/X", [2])])
    let reader = try ArchiveReader(Archives.inMemory(bytes))
    #expect(reader.index(of: "DATA.PKL") == 0)
    #expect(reader.index(of: "data/x") == 1)
    #expect(reader.index(of: "data/y") == nil)
  }

  @Test("A missing record is an error that names it")
  func namesMissingRecord() throws {
    let bytes = try Archives.written([("data.pkl", [1])])
    let reader = try ArchiveReader(Archives.inMemory(bytes))
    let error = #expect(throws: ArchiveError.self) {
      try reader.storage(forRecord: "data/7")
    }
    #expect(error?.code == .missingRecord)
    #expect(error?.record == "data/7")
  }

  @Test("A comment, trailing and prepended bytes are told apart")
  func tellsJunkApart() throws {
    let plain = try Archives.written([("data.pkl", [1, 2, 3])])
    var commented = plain
    commented[commented.count - 2] = 5
    commented += Array("hello".utf8)
    let comment = try ZipDirectory(Archives.inMemory(commented))
    #expect(comment.comment == "hello")
    #expect(comment.end.archiveEnd == commented.count)

    let trailing = plain + Array(repeating: 0, count: 100)
    let trailed = try ZipDirectory(Archives.inMemory(trailing))
    #expect(trailed.end.archiveEnd == plain.count)
    #expect(trailed.comment.isEmpty)

    let prepended = Array("junk".utf8) + plain
    let archive = try Archives.inMemory(prepended)
    #expect(try ZipDirectory(archive).end.prependedBytes == 4)
    let contents = try Archives.contents(archive)
    #expect(contents.map(\.bytes) == [[1, 2, 3]])
  }

  @Test("A part of a file is read as an archive of its own")
  func readsPart() throws {
    let first = try Archives.written([("data.pkl", [1])], root: "a")
    let second = try Archives.written([("data.pkl", [2])], root: "b")
    try withTemporaryDirectory { folder in
      let path = folder.file("both")
      try writeFile(first + second, to: path)
      let file = try MappedFile.open(path)
      let parts = [0..<first.count, first.count..<first.count + second.count]
      for (part, root) in zip(parts, ["a", "b"]) {
        let bytes = ArchiveBytes(file, range: part)
        #expect(try ArchiveReader(bytes).root == root)
        let content = try Archives.contents(bytes)[0].bytes
        #expect(content == [root == "a" ? 1 : 2])
      }
    }
  }

  @Test("An archive of more than 65,535 records is read back")
  func readsManyRecords() throws {
    let count = 66_000
    let bytes = try Archives.written(
      (0..<count).map { ("data/\($0)", [UInt8(truncatingIfNeeded: $0)]) }
    )
    let reader = try ArchiveReader(Archives.inMemory(bytes))
    #expect(reader.directory.records.count == count)
    #expect(reader.index(of: "data/65999") == 65_999)
    let storage = try reader.storage(forRecord: "data/65535", checkingSum: true)
    #expect(try storage.withUnsafeBytes(Array.init) == [0xFF])
  }
}
