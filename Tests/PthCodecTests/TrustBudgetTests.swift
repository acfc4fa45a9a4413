import Pickle
import PthCodec
import Tensors
import TestSupport
import Testing

/// Small files whose objects would take much memory or time, were each of
/// their parts shown or written in full.
@Suite("Budgets")
struct TrustBudgetTests {
  /// A checkpoint whose `data.pkl` has these opcodes, in a folder's file.
  private func opened(
    _ opcodes: [UInt8],
    in folder: TemporaryDirectory,
    options: ReadOptions = ReadOptions()
  ) throws -> Checkpoint {
    let pickle: [UInt8] = [0x80, 2] + opcodes + [0x2e]
    let path = folder.file("small.pth")
    try writeFile(
      Archives.written([("data.pkl", pickle), ("version", [0x33])]),
      to: path
    )
    return try Checkpoint.open(path, options: options)
  }

  private func repeated(_ opcodes: [UInt8], _ count: Int) -> [UInt8] {
    Array(repeatElement(opcodes, count: count).joined())
  }

  @Test("deep paths are shortened where very many are long, and stay apart")
  func longPaths() throws {
    try withTemporaryDirectory { folder in
      // Lists within lists, each with a number beside the inner one.
      let checkpoint = try opened(
        repeated([0x5d, 0x28, 0x4b, 1], 20_000) + [0x4e]
          + repeated([0x65], 20_000),
        in: folder
      )
      let paths = checkpoint.values.map(\.path)
      #expect(paths.count == 20_001)
      #expect(paths.first == "0")
      #expect(paths.dropFirst(2).first == "1.1.0")
      #expect(paths.last?.contains(" bytes)...") == true)
      #expect(paths.reduce(0) { $0 + $1.utf8.count } < 4_000_000)
      #expect(try checkpoint.differences(to: checkpoint).isEmpty)
    }
  }

  @Test("values beyond what a file's size explains are refused, unless asked")
  func manyValues() throws {
    try withTemporaryDirectory { folder in
      // Compressed: the file has some hundred bytes.
      let pickle: [UInt8] =
        [0x80, 2, 0x28] + repeated([0x4e], 200_000) + [0x6c, 0x2e]
      let path = folder.file("small.pth")
      let file = try AtomicFile(path)
      try GeneralZipWriter.write(
        [
          GeneralZipEntry(
            "a/data.pkl",
            .storages([Storage(pickle)]),
            method: .deflated(level: 9)
          ),
          GeneralZipEntry("a/version", .storages([Storage([0x33])])),
        ],
        to: file
      )
      try file.commit()
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(path)
      }
      #expect(error?.code == .limit)
      #expect(error?.hint?.contains("--max-nodes") == true)
      var options = ReadOptions()
      options.pickle.maxNodes = 300_000
      let checkpoint = try Checkpoint.open(path, options: options)
      #expect(checkpoint.values.count == 200_000)
    }
  }

  @Test("a tensor of thousands of dimensions is none")
  func rank() throws {
    try withTemporaryDirectory { folder in
      func text(_ text: String) -> [UInt8] {
        [0x58, UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
      }
      func global(_ name: String) -> [UInt8] { Array("c\(name)\n".utf8) }
      let storage =
        [0x28] + text("storage") + global("torch\nFloatStorage") + text("0")
        + text("meta") + [0x4b, 1, 0x74, 0x51]
      let ones = [0x28] + repeated([0x4b, 1], 2000) + [0x74]
      let call =
        global("torch._utils\n_rebuild_tensor_v2") + [0x28] + storage
        + [0x4b, 0] + ones + ones + [0x89] + global("collections\nOrderedDict")
        + [0x29, 0x52, 0x74, 0x52]
      let error = #expect(throws: CheckpointError.self) {
        try opened(call, in: folder)
      }
      #expect(error?.code == .limit)
      #expect(error?.message.contains("2000 dimensions") == true)
    }
  }

  @Test(
    "what dcp would write thousands of times is refused",
    arguments: [60, 60_000]
  )
  func repeatedItems(length: Int) throws {
    try withTemporaryDirectory { folder in
      // A dict of one text under many keys: an archive for each.
      var opcodes: [UInt8] = [0x58]
      opcodes += withUnsafeBytes(of: UInt32(length).littleEndian) { Array($0) }
      opcodes += [UInt8](repeating: 0x61, count: length)
      opcodes += [0x71, 0, 0x30, 0x7d, 0x28]
      for key in 0..<15_000 {
        opcodes += [0x4d, UInt8(key & 255), UInt8(key >> 8), 0x68, 0]
      }
      let checkpoint = try opened(opcodes + [0x75], in: folder)
      let target = folder.file("out")
      let write = {
        try checkpoint.save(
          to: target,
          as: .dcp,
          options: WriteOptions(allowsLoss: true)
        )
      }
      if length < 100 {
        try write()
      } else {
        let error = #expect(throws: CheckpointError.self) { try write() }
        #expect(error?.code == .limit)
        #expect(try folder.names() == ["small.pth"])
      }
    }
  }
}
