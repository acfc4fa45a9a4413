import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Files with a few bytes changed at random: read or refused, never a crash.
struct FormatsDamageTests {
  static let files: [String] = [
    "all.safetensors", "metadata.safetensors", "c_float32.npy",
    "fortran_big.npy", "version3.npy", "stored.npz", "deflated.npz",
    "int16-idx3", "labels-idx1-ubyte.gz", "plain.gguf", "blocks.gguf",
    "sharded/model.safetensors.index.json",
  ]

  @Test("Random damage ends in a tensor or in an error", arguments: files)
  func survivesDamage(_ name: String) throws {
    let good = try Fixture.bytes("formats/" + name)
    let ending = name.split(separator: "/").last.map(String.init) ?? name
    var generator = SeededGenerator(for: "damage to \(name)")
    try withTemporaryDirectory { folder in
      let path = folder.file(ending)
      for _ in 0..<300 {
        var bytes = good
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
          // Heads are more interesting than elements.
          let end = Bool.random(using: &generator) ? bytes.count : 256
          let place = Int.random(
            in: 0..<min(end, bytes.count),
            using: &generator
          )
          bytes[place] =
            [
              UInt8.random(in: 0...255, using: &generator), 0, 255, 0x7f, 0x80,
              bytes[place] ^ 1, UInt8(ascii: "9"), UInt8(ascii: "\""),
            ].randomElement(using: &generator) ?? 0
        }
        try writeFile(bytes, to: path)
        do {
          for tensor in try Checkpoint.open(path).tensors.values {
            try tensor.forEachContiguousPiece { _ in }
          }
        } catch {
          // A typed error with words of its own.
          #expect(!"\(error)".isEmpty)
        }
      }
    }
  }

  @Test(
    "A file converted onto itself is whole",
    arguments: ["all.safetensors", "plain.gguf", "stored.npz", "c_int64.npy"]
  )
  func convertsOntoItself(_ name: String) throws {
    try withTemporaryDirectory { folder in
      let path = folder.file(name)
      try writeFile(Fixture.bytes("formats/" + name), to: path)
      let before = try Checkpoint.open(path)
      let sums = try before.tensors.values.map { try $0.sha256() }
      try before.save(to: path)
      let after = try Checkpoint.open(path)
      #expect(try after.tensors.values.map { try $0.sha256() } == sums)
      // The old file stays readable for whoever has it open.
      #expect(try before.tensors.values.map { try $0.sha256() } == sums)
      let names = try folder.names()
      #expect(names == [name])
    }
  }

  @Test("Between all formats that read and write, elements stay the same")
  func convertsBetweenAllFormats() throws {
    let tensor = try Tensor((0..<60).map { Float($0) / 7 }, shape: [3, 4, 5])
    let sum = try tensor.sha256()
    let endings = ["pth", "safetensors", "npy", "npz", "idx", "idx.gz", "gguf"]
    try withTemporaryDirectory { folder in
      for first in endings {
        try Checkpoint(tensor).save(to: folder.file("a." + first))
        for second in endings {
          let checkpoint = try Checkpoint.open(folder.file("a." + first))
          try checkpoint.save(
            to: folder.file("b." + second),
            options: WriteOptions(allowsLoss: true)
          )
          let copy = try Checkpoint.open(folder.file("b." + second))
          #expect(copy.tensors.keys == ["data"], "\(first) → \(second)")
          let found = try copy.tensor("data")
          #expect(found.shape == [3, 4, 5])
          #expect(try found.sha256() == sum, "\(first) → \(second)")
        }
      }
    }
  }

  @Test("An existing file is replaced only where that is allowed")
  func keepsExistingFiles() throws {
    let tensor = try Tensor([Float(1)])
    try withTemporaryDirectory { folder in
      for ending in [
        "safetensors", "npy", "npz", "idx", "idx.gz", "gguf", "csv",
      ] {
        let path = folder.file("x." + ending)
        try writeFile([7], to: path)
        #expect(throws: FileError.self, "\(ending)") {
          try Checkpoint(tensor).save(
            to: path,
            options: WriteOptions(replacesExisting: false)
          )
        }
        #expect(try readFile(path) == [7])
      }
    }
  }

  @Test("Progress ends at the total")
  func reportsProgress() throws {
    final class Log: @unchecked Sendable {
      var last = (done: 0, total: 0)
    }
    let tensor = try Tensor([Float](repeating: 1, count: 5_000_000))
    try withTemporaryDirectory { folder in
      for ending in ["safetensors", "npy", "npz", "gguf"] {
        let log = Log()
        try Checkpoint(tensor).save(
          to: folder.file("x." + ending),
          options: WriteOptions(progress: { done, total in
            #expect(done >= log.last.done && done <= total)
            log.last = (done, total)
          })
        )
        #expect(log.last.done > 20_000_000 - 1000, "\(ending)")
      }
    }
  }
}
