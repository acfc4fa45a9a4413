import PthCodec
import Tensors
import TestSupport

/// Helpers for tests of archives, whole and damaged.
enum Archives {
  /// The zip checkpoints among the fixtures of a folder.
  static func fixtures(in folder: String) throws -> [String] {
    try Fixture.names(in: folder).filter { name in
      guard name.hasSuffix(".pth") || name.hasSuffix(".pt") else {
        return false
      }
      return try Fixture.bytes(name).starts(with: [0x50, 0x4B, 3, 4])
    }
  }

  /// Bytes as an archive in memory.
  static func inMemory(_ bytes: [UInt8]) throws -> ArchiveBytes {
    try ArchiveBytes(Storage(bytes), path: "memory")
  }

  /// Reads every record with its sum, as names and bytes.
  static func contents(
    _ bytes: ArchiveBytes
  ) throws -> [(name: String, bytes: [UInt8])] {
    let reader = try ArchiveReader(bytes)
    return try reader.directory.records.indices.map { index in
      let storage = try reader.storage(at: index, checkingSum: true)
      return (reader.name(at: index), try storage.withUnsafeBytes(Array.init))
    }
  }

  /// What reading an archive and all its records throws.
  static func fault(_ bytes: [UInt8]) throws -> ArchiveError? {
    do {
      _ = try contents(inMemory(bytes))
      return nil
    } catch let error as ArchiveError {
      return error
    }
  }

  /// An archive with the given records, written as PyTorch would.
  static func written(
    _ records: [(String, [UInt8])],
    root: String = "root"
  ) throws -> [UInt8] {
    let sink = MemorySink()
    try TorchArchiveWriter.write(
      records.map { ArchiveItem($0.0, .bytes($0.1)) },
      root: root,
      to: sink
    )
    return sink.bytes
  }
}

extension [UInt8] {
  /// The little-endian number of `size` bytes at `offset`.
  func number(at offset: Int, size: Int) -> Int {
    dropFirst(offset).prefix(size).reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}
