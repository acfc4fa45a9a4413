import PthCodec
import Tensors
import TestSupport
import Testing

/// Files that several versions of torch wrote, with what torch says of them.
@Suite("Fixtures that PyTorch wrote")
struct FixtureTests {
  /// A file below `fixtures/` and its description.
  struct File: Sendable, CustomTestStringConvertible {
    let folder: String
    let entry: Manifest.Entry

    var name: String { folder + "/" + entry.file }
    var path: String { Fixture.path(name) }
    var testDescription: String { name }
  }

  static let files: [File] = ["torch-1.13", "torch-2.13", "legacy"].flatMap {
    folder in
    ((try? Manifest.load(folder).files) ?? []).map {
      File(folder: folder, entry: $0)
    }
  }

  static let readable = Set(
    FormatRegistry.descriptors.filter(\.canRead).map(\.id.rawValue)
  )

  @Test("the manifests are there")
  func manifestsAreThere() {
    #expect(Self.files.count > 290)
  }

  @Test(
    "has the tensors that torch sees",
    arguments: files.filter { readable.contains($0.entry.format) }
  )
  func sameTensors(file: File) throws {
    let found = try Checkpoint.open(file.path)
    #expect(found.format.rawValue == file.entry.format)
    #expect(found.byteOrder.rawValue == file.entry.byteOrder ?? "little")
    #expect(
      file.entry.differences(
        from: found.tensors.map { (name: $0.key, tensor: $0.value) },
        // A view of a storage may be a storage of its own, or an offset.
        comparesViews: file.folder != "legacy"
      ) == []
    )
  }

  /// Files whose every byte torch's own writer chose, in protocol 2.
  static let verbatim = files.filter {
    $0.entry.format == "pytorch-zip" && $0.entry.protocol == 2
      && !$0.entry.file.hasPrefix("container_")
  }

  @Test(
    "comes out byte for byte, a sound serialization id included",
    arguments: verbatim
  )
  func sameBytes(file: File) throws {
    try withTemporaryDirectory { folder in
      // The root's name is the file's, but for the one saved to a file object.
      let copy = folder.file(file.entry.file)
      try Checkpoint.open(file.path).save(to: copy)
      #expect(try readFile(copy) == readFile(file.path))
    }
  }

  /// Archives that zip tools wrote; torch 1.13 does not turn big-endian bytes.
  static let foreign = files.filter {
    $0.entry.file.hasPrefix("container_") && $0.entry.byteOrder != "big"
  }

  @Test(
    "what other tools packed becomes a file that torch reads alike",
    arguments: foreign
  )
  func foreignArchives(file: File) throws {
    try withTemporaryDirectory { folder in
      let copy = folder.file(file.entry.file)
      try Checkpoint.open(file.path).save(to: copy)
      let differences: [String] = try Python.value(
        "result = differences(file, copy)",
        ["file": .text(file.path), "copy": .text(copy)]
      )
      #expect(differences == [])
    }
  }
}
