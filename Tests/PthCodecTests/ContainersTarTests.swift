import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// The tar archive of torch 0.1.
@Suite("Tar archives of torch 0.1")
struct ContainersTarTests {
  static let source = "legacy/torch01.tar"

  @Test("keys of tensors are tensors, aliases and views kept")
  func reads() throws {
    let checkpoint = try Checkpoint.open(Fixture.path(Self.source))
    #expect(checkpoint.format == .pytorchTar)
    let weight = try checkpoint.tensor("weight")
    let turned = try checkpoint.tensor("turned")
    let view = try checkpoint.tensor("view")
    #expect(weight.storage === turned.storage)
    #expect(weight.storage === view.storage)
    #expect(turned.layout.strides == [1, 3])
    #expect(try view.elements(as: Float.self) == [0.75, 1])
    #expect(
      try checkpoint.tensor("again").layout == weight.layout
    )
    #expect(
      checkpoint.values.map(\.path)
        == ["note.0", "note.1", "note.2", "note.3"]
    )
  }

  @Test(
    "becomes an archive and a legacy file",
    arguments: ["torch01.tar", "torch01_class.tar"],
    [FormatID.pytorchZip, .pytorchLegacy]
  )
  func converts(name: String, format: FormatID) throws {
    let checkpoint = try Checkpoint.open(Fixture.path("legacy/" + name))
    try withTemporaryDirectory { folder in
      let file = folder.file("copy.pth")
      try checkpoint.save(to: file, as: format)
      let copy = try Checkpoint.open(file)
      #expect(copy.format == format)
      #expect(copy.tensors.keys == checkpoint.tensors.keys)
      for (name, tensor) in checkpoint.tensors {
        #expect(try copy.tensor(name).layout == tensor.layout)
        #expect(try copy.tensor(name).sha256() == tensor.sha256())
      }
      #expect(copy.values == checkpoint.values)
      let groups = { (checkpoint: Checkpoint) in
        Set(checkpoint.tensors.values.map { ObjectIdentifier($0.storage) })
          .count
      }
      #expect(groups(copy) == groups(checkpoint))
    }
  }

  @Test("no beginning of a file is taken for the whole")
  func cut() throws {
    let bytes = try Fixture.bytes(Self.source)
    // Behind the last member there are only zeros.
    let end = try #require(bytes.lastIndex { $0 != 0 })
    try withTemporaryDirectory { folder in
      let file = folder.file("cut.tar")
      for count in stride(from: 0, through: end, by: 7) {
        try writeFile(bytes.prefix(count), to: file)
        #expect(throws: CheckpointError.self, "\(count) bytes") {
          try Checkpoint.open(file)
        }
      }
    }
  }

  @Test("random damage ends in tensors or in an error")
  func damaged() throws {
    let good = try Fixture.bytes(Self.source)
    var generator = SeededGenerator(for: "damage to a tar archive")
    // Headers have checksums: only the members' bytes are changed.
    let places = good.indices.filter { $0 % 1024 >= 512 && good[$0] != 0 }
    try withTemporaryDirectory { folder in
      let file = folder.file("damaged.tar")
      for _ in 0..<500 {
        var bytes = good
        for _ in 0..<3 {
          let place = try #require(places.randomElement(using: &generator))
          bytes[place] = UInt8.random(in: 0...255, using: &generator)
        }
        try writeFile(bytes, to: file)
        do {
          for tensor in try Checkpoint.open(file).tensors.values {
            try tensor.forEachContiguousPiece { _ in }
          }
        } catch {
          #expect(!"\(error)".isEmpty)
        }
      }
    }
  }
}
