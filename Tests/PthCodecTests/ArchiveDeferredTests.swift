import PthCodec
import Tensors
import TestSupport
import Testing

/// A checkpoint's local headers are looked at when the bytes are asked for.
@Suite("Looking at local headers late")
struct ArchiveDeferredTests {
  /// A checkpoint of `a` and `b`, in which the second storage's local header
  /// has another name.
  private static func withDeceivingFile(
    _ body: (_ path: String, _ folder: TemporaryDirectory) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("x.pth")
      var stateDict = StateDict()
      stateDict["a"] = try Tensor([1, 2, 3] as [Float])
      stateDict["b"] = try Tensor([4, 5] as [Float])
      try Checkpoint(stateDict).save(to: path)
      var bytes = try readFile(path)
      let name = Array("x/data/1".utf8)
      let place = bytes.indices.first {
        bytes[$0...].starts(with: name)
      }
      bytes[try #require(place)] = UInt8(ascii: "y")
      try writeFile(bytes, to: path)
      try body(path, folder)
    }
  }

  @Test("Only the storage behind a deceiving header can't be read")
  func reading() throws {
    try Self.withDeceivingFile { path, _ in
      let checkpoint = try Checkpoint.open(path)
      #expect(try checkpoint.tensor("a").elements(as: Float.self) == [1, 2, 3])
      let b = try checkpoint.tensor("b")
      #expect(b.shape == [2])
      for _ in 0..<2 {
        let error = try #require(throws: ArchiveError.self) {
          try b.elements(as: Float.self)
        }
        #expect(error.code == .badLocalHeader)
        #expect(error.record == "x/data/1")
        #expect(error.file == path)
      }
    }
  }

  @Test("It is refused at once where headers or sums are to be checked")
  func early() throws {
    try Self.withDeceivingFile { path, _ in
      for options in [
        ReadOptions(checksHeaders: true), ReadOptions(checksCRC: true),
      ] {
        let error = try #require(throws: ArchiveError.self) {
          try Checkpoint.open(path, options: options)
        }
        #expect(error.code == .badLocalHeader)
      }
    }
  }

  @Test(
    "No format is written from it, and what was there stays",
    arguments: ["out.pth", "out.safetensors", "out.npz", "out.gguf"]
  )
  func writing(name: String) throws {
    try Self.withDeceivingFile { path, folder in
      let output = folder.file(name)
      try writeFile("old".utf8, to: output)
      let checkpoint = try Checkpoint.open(path)
      #expect(throws: (any Error).self) {
        try checkpoint.save(
          to: output,
          options: WriteOptions(replacesExisting: true)
        )
      }
      #expect(try readFile(output) == Array("old".utf8))
      #expect(try folder.names().sorted() == [name, "x.pth"].sorted())
    }
  }
}
