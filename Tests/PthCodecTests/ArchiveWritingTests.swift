import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("Writing archives as PyTorch does")
struct ArchiveWritingTests {
  @Test(
    "The records of a PyTorch file give the same file, byte for byte",
    arguments: ["torch-1.13", "torch-2.13"]
  )
  func rewritesFixtures(folder: String) throws {
    var count = 0
    for name in try Archives.fixtures(in: folder) {
      // These were changed by hand, into what PyTorch does not write.
      guard !name.contains("container_") else { continue }
      let file = try MappedFile.open(Fixture.path(name))
      let reader = try ArchiveReader(file)
      let items = reader.directory.records.indices.map { index in
        let record = reader.name(at: index)
        return ArchiveItem(
          record,
          record == ArchiveItem.serializationIDName
            ? .serializationID : .copy(of: index, in: reader)
        )
      }
      let sink = MemorySink()
      try TorchArchiveWriter.write(items, root: reader.root, to: sink)
      let size = TorchArchiveWriter.size(
        of: ArchiveRecords(items),
        root: reader.root
      )
      #expect(size == sink.bytes.count, "\(name)")
      #expect(try sink.bytes == Fixture.bytes(name), "\(name)")
      count += 1
    }
    #expect(count > 50)
  }

  @Test(
    "Pickle and storages alone give PyTorch's records and their order",
    arguments: [
      ("torch-1.13/many_tensors.pth", TorchLayout.torch1),
      ("torch-2.13/many_tensors.pth", .torch2),
      ("torch-1.13/empties.pth", .torch1), ("torch-2.13/empties.pth", .torch2),
      ("torch-1.13/none.pth", .torch1), ("torch-2.13/none.pth", .torch2),
      ("torch-1.13/权重.pth", .torch1), ("torch-2.13/权重.pth", .torch2),
      ("torch-1.13/c d.tar.pth", .torch1), ("torch-2.13/c d.tar.pth", .torch2),
    ]
  )
  func laysOut(_ sample: (name: String, layout: TorchLayout)) throws {
    let file = try MappedFile.open(Fixture.path(sample.name))
    let reader = try ArchiveReader(file)
    let keys = reader.recordNames.filter { $0.hasPrefix("data/") }
      .map { String($0.dropFirst(5)) }
      .sorted { (Int($0) ?? 0) < (Int($1) ?? 0) }
    let pickle = try reader.storage(forRecord: "data.pkl")
      .withUnsafeBytes(Array.init)
    let items = try sample.layout.items(
      pickle: pickle,
      storages: keys.map { ($0, try reader.storage(forRecord: "data/" + $0)) }
    )
    let fileName = String(sample.name.drop { $0 != "/" }.dropFirst())
    let root = sample.layout.archiveRoot(forFileName: fileName)
    let sink = MemorySink()
    try TorchArchiveWriter.write(items, root: root, to: sink)
    #expect(try sink.bytes == Fixture.bytes(sample.name))
  }

  @Test(
    "The root folder is the file's name without its last extension",
    arguments: [
      ("a.pth", "a", "a"), ("c d.tar.gz", "c d.tar", "c d.tar"),
      ("folder/x.pth", "x", "x"), ("a.b/noext", "noext", "noext"),
      ("w\\x.pth", "x", "x"), ("a.", "a", "a"), ("..x", ".", "."),
      (".pth", "archive", "archive"), ("", "archive", "archive"),
      ("数据.pth", "数据", "archive"), ("数据/a.pth", "a", "archive"),
    ]
  )
  func namesRoot(_ sample: (path: String, torch1: String, torch2: String)) {
    let torch1 = TorchLayout.torch1.archiveRoot(forFileName: sample.path)
    let torch2 = TorchLayout.torch2.archiveRoot(forFileName: sample.path)
    #expect(torch1 == sample.torch1)
    #expect(torch2 == sample.torch2)
  }

  @Test("Every record starts on a multiple of 64, whatever its name's length")
  func pads() throws {
    for length in 1...130 {
      let name = String(repeating: "n", count: length)
      let bytes = try Archives.written([(name, [1]), ("b", [2, 3])])
      let directory = try ZipDirectory(Archives.inMemory(bytes))
      for record in directory.records {
        #expect(try directory.dataRange(of: record).lowerBound % 64 == 0)
      }
    }
  }

  @Test("Pieces make the same record as the whole")
  func streams() throws {
    let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let whole = try Archives.written([("data/0", content), ("version", [3])])
    let sink = MemorySink()
    var writer = TorchArchiveWriter(root: "root", to: sink)
    try writer.beginRecord("data/0", size: content.count)
    for start in stride(from: 0, to: content.count, by: 333) {
      let piece = content[start..<min(start + 333, content.count)]
      try piece.withUnsafeBytes { try writer.append($0) }
    }
    try writer.endRecord()
    try writer.add("version", [3])
    try writer.finish()
    #expect(sink.bytes == whole)
  }

  @Test("A record that breaks its announcement is an error")
  func refusesWrongSizes() throws {
    var short = TorchArchiveWriter(root: "r", to: MemorySink())
    try short.beginRecord("a", size: 3)
    #expect(throws: ArchiveWriteError.self) { try short.endRecord() }
    var long = TorchArchiveWriter(root: "r", to: MemorySink())
    try long.beginRecord("a", size: 1)
    #expect(throws: ArchiveWriteError.self) {
      try [1, 2].withUnsafeBytes { try long.append($0) }
    }
    #expect(throws: ArchiveWriteError.duplicateName(record: "a")) {
      try Archives.written([("a", [1]), ("a", [2])])
    }
    let name = String(repeating: "x", count: 65_536)
    #expect(throws: ArchiveWriteError.nameTooLong(record: name)) {
      try Archives.written([(name, [1])])
    }
  }

  @Test("Storages by number and by name can't have one name")
  func refusesStoragesTwice() throws {
    let storage = Storage([1, 2] as [UInt8])
    func names(
      _ before: [ArchiveItem],
      _ count: Int,
      _ after: [ArchiveItem] = []
    ) throws -> [String] {
      let sink = MemorySink()
      let records = ArchiveRecords(
        before: before,
        storages: Array(repeating: storage, count: count),
        after: after
      )
      try TorchArchiveWriter.write(records, root: "r", to: sink)
      #expect(
        TorchArchiveWriter.size(of: records, root: "r") == sink.bytes.count
      )
      let archive = try ArchiveBytes(Storage(sink.bytes), path: "written")
      return try ArchiveReader(archive).recordNames
    }
    let others = ["data/3", "data/02", "data/-1", "data/", "data/x", "version"]
      .map { ArchiveItem($0, .storage(storage)) }
    #expect(
      try names([], 3, others)
        == ["data/0", "data/1", "data/2"] + others.map(\.name)
    )
    #expect(try names(others, 3).count == 9)
    for name in ["data/0", "data/2"] {
      let item = ArchiveItem(name, .storage(storage))
      #expect(throws: ArchiveWriteError.duplicateName(record: name)) {
        try names([], 3, [item])
      }
      #expect(throws: ArchiveWriteError.duplicateName(record: name)) {
        try names([item], 3)
      }
    }
  }

  @Test("Beyond 4 GiB zip64 fields and long descriptors are PyTorch's")
  func writesBeyond4GiB() throws {
    let sink = SparseSink()
    var writer = TorchArchiveWriter(root: "max", to: sink)
    let large = Int(UInt32.max)
    let zeros = [UInt8](repeating: 0, count: 1 << 24)
    try writer.beginRecord("data/0", size: large)
    var left = large
    while left > 0 {
      try zeros.withUnsafeBytes { all in
        try writer.append(UnsafeRawBufferPointer(rebasing: all.prefix(left)))
      }
      left -= min(left, zeros.count)
    }
    try writer.endRecord()
    try writer.add("data/1", [7])
    try writer.add("data/2", [UInt8]())
    try writer.finish()

    // What torch 1.13 and 2.13 write for records of these sizes and places.
    let header = sink.small(at: 0)
    #expect(header.headerSize == 64)
    #expect(Array(header[28..<30]) == [24, 0])
    #expect(
      Array(header[40..<60])
        == [1, 0, 16, 0, 255, 255, 255, 255] + [UInt8](repeating: 0, count: 12)
    )
    let descriptor = sink.small(at: 64 + large)
    #expect(
      Array(descriptor.prefix(24))
        == [0x50, 0x4B, 7, 8, 0, 0, 0, 0]
        + [255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]
    )
    let far = 64 + large + 24
    let second = sink.small(at: far)
    #expect(second.number(at: 40, size: 2) == 1)
    #expect(second.number(at: 42, size: 2) == 8)
    #expect(second.number(at: 44, size: 8) == far)
    #expect((far + second.headerSize) % 64 == 0)
    let third = far + second.headerSize + 1 + 24
    #expect(sink.small(at: third).number(at: 44, size: 8) == third)
  }
}

/// A sink that keeps small writes with their places and forgets large ones.
private final class SparseSink: ByteSink {
  private(set) var position = 0
  private var writes: [Int: [UInt8]] = [:]

  func write(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count < 1 << 12, !bytes.isEmpty { writes[position] = Array(bytes) }
    position += bytes.count
  }

  /// What was written from `offset` on, to the end of the small write.
  func small(at offset: Int) -> [UInt8] {
    for (start, bytes) in writes
    where start <= offset && offset < start + bytes.count {
      return Array(bytes[(offset - start)...])
    }
    return []
  }
}

extension [UInt8] {
  /// The bytes of the local header that these begin with, and its padding.
  fileprivate var headerSize: Int {
    count < 30 ? 0 : 30 + number(at: 26, size: 2) + number(at: 28, size: 2)
  }
}
