import Foundation
import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("Stored zip archives")
struct ArchiveStoredZipTests {
  /// A file of which only small pieces are written; large ones stay holes.
  private final class HollowFile: PatchableSink {
    private let handle: FileHandle
    private(set) var position = 0

    init(_ path: String) throws {
      try writeFile([], to: path)
      handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
      if bytes.count < 1 << 16 { put(bytes, at: position) }
      position += bytes.count
    }

    func overwrite(
      at offset: Int,
      _ bytes: UnsafeRawBufferPointer
    ) throws(FileError) {
      put(bytes, at: offset)
    }

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
      try? handle.seek(toOffset: UInt64(offset))
      try? handle.write(contentsOf: Data(bytes))
    }
  }

  @Test("Entries come back with their names and bytes, to libzip too")
  func roundTrips() throws {
    let entries: [(name: String, size: Int)] = [
      ("a/hello.npy", 5), ("空", 0), ("large", 3_000_000),
    ]
    try withTemporaryDirectory { folder in
      let path = folder.file("out.zip")
      let file = try AtomicFile(path)
      let writer = StoredZipWriter(to: file)
      for (name, size) in entries {
        try writer.add(name, size: size) { write in
          var left = size
          while left > 0 {
            let count = min(left, 700_001)
            try [UInt8](repeating: 7, count: count)
              .withUnsafeBytes { try write($0) }
            left -= count
          }
        }
      }
      try writer.finish()
      try file.commit()
      let bytes = try readFile(path)
      #expect(bytes.count <= StoredZipWriter.greatestSize(of: entries))
      let reader = try GeneralZipReader(MappedFile.open(path))
      #expect(reader.names == entries.map(\.name))
      for (index, entry) in entries.enumerated() {
        let content = try reader.storage(at: index, checkingSum: true)
          .withUnsafeBytes(Array.init)
        #expect(content == [UInt8](repeating: 7, count: entry.size))
      }
      // The entries' own headers are compared too, also by libzip.
      let found = try ZipVerifier.findings(
        ArchiveBytes(MappedFile.open(path)),
        isCheckpoint: false,
        limits: ArchiveLimits()
      )
      #expect(!found.contains { $0.severity == .error }, "\(found)")
    }
  }

  @Test("Sizes and offsets beyond 4 GiB are kept")
  func writesZip64() throws {
    let chunk = [UInt8](repeating: 0, count: 64 << 20)
    let large = 4 << 30 | 5 << 20
    try withTemporaryDirectory { folder in
      let path = folder.file("out.zip")
      let writer = try StoredZipWriter(to: HollowFile(path))
      try writer.add("large", size: large) { write in
        var left = large
        while left > 0 {
          let count = min(left, chunk.count)
          try chunk.withUnsafeBytes {
            try write(UnsafeRawBufferPointer(rebasing: $0[..<count]))
          }
          left -= count
        }
      }
      try writer.add("far", size: 3) { write in
        try [UInt8]([1, 2, 3]).withUnsafeBytes { try write($0) }
      }
      try writer.finish()
      let reader = try GeneralZipReader(MappedFile.open(path))
      #expect(reader.names == ["large", "far"])
      #expect(reader.directory.records[0].uncompressedSize == large)
      #expect(try reader.storage(at: 0).byteCount == large)
      let far = try reader.storage(at: 1, checkingSum: true)
      #expect(try far.withUnsafeBytes(Array.init) == [1, 2, 3])
    }
  }

  @Test("More or fewer bytes than announced, and too long names, are refused")
  func refusesWrongSizes() throws {
    for (announced, given) in [(3, 2), (3, 4)] {
      #expect(throws: ArchiveWriteError.self) {
        try StoredZipWriter(to: MemorySink()).add("x", size: announced) {
          write in
          try [UInt8](repeating: 1, count: given)
            .withUnsafeBytes { try write($0) }
        }
      }
    }
    let name = String(repeating: "n", count: 70_000)
    #expect(throws: ArchiveWriteError.nameTooLong(record: name)) {
      try StoredZipWriter(to: MemorySink()).add(name, size: 0) { _ in }
    }
  }
}
