import Dispatch
import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("General zip archives")
struct ArchiveGeneralZipTests {
  private func sample() -> [GeneralZipEntry] {
    let text = Storage(Array("hello ".utf8))
    let zeros = Storage([UInt8](repeating: 0, count: 300_000))
    return [
      GeneralZipEntry("a/hello", .storages([text, text])),
      GeneralZipEntry("空", .storages([])),
      GeneralZipEntry(
        "deflated",
        .storages([text, zeros]),
        method: .deflated(level: 6)
      ),
      GeneralZipEntry(
        "streamed",
        .pushed(size: 100_000) { push in
          for piece in 0..<100 {
            try [UInt8](repeating: UInt8(piece), count: 1000)
              .withUnsafeBytes { try push($0) }
          }
        }
      ),
    ]
  }

  @Test("Entries come back with their names, methods and bytes")
  func roundTrips() throws {
    let sink = MemorySink()
    try GeneralZipWriter.write(sample(), to: sink)
    let reader = try GeneralZipReader(Archives.inMemory(sink.bytes))
    #expect(reader.names == ["a/hello", "空", "deflated", "streamed"])
    #expect(reader.directory.records.map(\.isDeflated).contains(true))
    let contents = try reader.names.indices.map {
      try reader.storage(at: $0, checkingSum: true)
        .withUnsafeBytes(Array.init)
    }
    #expect(contents[0] == Array("hello hello ".utf8))
    #expect(contents[1].isEmpty)
    #expect(contents[2].count == 300_006)
    #expect(contents[3].count == 100_000)
    #expect(contents[3][99_999] == 99)
    #expect(reader.index(of: "deflated") == 2)
    #expect(reader.index(of: "Deflated") == nil)
  }

  @Test("Same entries give the same bytes, in a file and in memory")
  func isDeterministic() throws {
    let sink = MemorySink()
    try GeneralZipWriter.write(sample(), to: sink)
    try withTemporaryDirectory { folder in
      let path = folder.file("out.zip")
      let file = try AtomicFile(path)
      try GeneralZipWriter.write(sample(), to: file)
      try file.commit()
      #expect(try readFile(path) == sink.bytes)
    }
  }

  @Test("No entries make an archive without records")
  func writesEmpty() throws {
    let sink = MemorySink()
    try GeneralZipWriter.write([], to: sink)
    #expect(try GeneralZipReader(Archives.inMemory(sink.bytes)).names.isEmpty)
  }

  @Test("An archive that can't be written stops whoever makes its bytes")
  func stopsProducers() throws {
    final class FullSink: PatchableSink {
      var position = 0
      func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        position += bytes.count
        guard position < 1 << 20 else {
          throw FileError(.write, path: "full", code: 28)
        }
      }
      func overwrite(
        at offset: Int,
        _ bytes: UnsafeRawBufferPointer
      ) throws(FileError) {}
    }
    let stopped = DispatchSemaphore(value: 0)
    #expect(throws: FileError.self) {
      try GeneralZipWriter.write(
        [
          GeneralZipEntry(
            "x",
            .pushed(size: 1 << 40) { push in
              defer { stopped.signal() }
              let piece = [UInt8](repeating: 1, count: 1 << 20)
              while true { try piece.withUnsafeBytes { try push($0) } }
            }
          )
        ],
        to: FullSink()
      )
    }
    #expect(stopped.wait(timeout: .now() + 60) == .success)
  }

  @Test("What an entry's content throws comes out, and no file is left")
  func passesErrors() throws {
    struct Broken: Error {}
    try withTemporaryDirectory { folder in
      let file = try AtomicFile(folder.file("out.zip"))
      #expect(throws: Broken.self) {
        try GeneralZipWriter.write(
          [GeneralZipEntry("x", .pushed(size: 9) { _ in throw Broken() })],
          to: file
        )
      }
      file.discard()
      #expect(try folder.names().isEmpty)
    }
    #expect(throws: GeneralZipError.self) {
      try GeneralZipWriter.write(
        [
          GeneralZipEntry(
            "x",
            .pushed(size: 9) { push in try [1].withUnsafeBytes { try push($0) }
            }
          )
        ],
        to: MemorySink()
      )
    }
  }
}
