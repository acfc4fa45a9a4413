import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Files that PyTorch writes, read here.
@Suite("Reading what PyTorch writes")
struct ReadingTests {
  /// Saves the object `name` of the fixtures with the embedded torch.
  ///
  /// - Returns: torch's own description of what it reads back; nil where this
  ///   torch can't make or save such an object.
  static func save(
    _ name: String,
    as file: String,
    protocol version: Int = 2
  ) throws -> Manifest.Entry? {
    try Python.value(
      """
      try:
          torch.save(cases()[name](), file, pickle_protocol=version)
      except Exception:
          result = None
      else:
          result = description(file)
      """,
      [
        "name": .text(name), "file": .text(file), "version": .integer(version),
      ]
    )
  }

  static let names: [String] =
    (try? Python.value("result = sorted(cases())")) ?? []

  @Test("the fixtures' objects are known")
  func namesAreThere() {
    #expect(Self.names.count > 60)
  }

  @Test(
    "every object that torch saves has the same tensors here",
    arguments: names
  )
  func sameTensors(name: String) throws {
    try withTemporaryDirectory { folder in
      for version in 2...5 {
        let file = folder.file("protocol\(version).pth")
        let entry = try Self.save(name, as: file, protocol: version)
        guard let entry else { continue }
        let found = try Checkpoint.open(file)
        #expect(
          entry.differences(
            from: found.tensors.map { (name: $0.key, tensor: $0.value) }
          ) == [],
          "protocol \(version)"
        )
      }
    }
  }

  @Test(
    "every object that torch saves is written back without a difference",
    arguments: names
  )
  func sameObjects(name: String) throws {
    try withTemporaryDirectory { folder in
      for version in 2...5 {
        let file = folder.file("protocol\(version).pth")
        guard try Self.save(name, as: file, protocol: version) != nil
        else { continue }
        let copy = folder.file("copy.pth")
        for layout in [nil, TorchLayout.torch1, .torch2] {
          try Checkpoint.open(file).save(
            to: copy,
            options: WriteOptions(layout: layout)
          )
          let differences: [String] = try Python.value(
            "result = differences(file, copy)",
            ["file": .text(file), "copy": .text(copy)]
          )
          #expect(differences == [], "protocol \(version)")
        }
      }
    }
  }

  @Test(
    "every object that torch saves changes its protocol without a difference",
    arguments: names
  )
  func otherProtocols(name: String) throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("first.pth")
      guard try Self.save(name, as: file) != nil else { return }
      let copy = folder.file("copy.pth")
      for version in 3...5 {
        try Checkpoint.open(file).save(
          to: copy,
          options: WriteOptions(pickleProtocol: version)
        )
        let differences: [String] = try Python.value(
          "result = differences(file, copy)",
          ["file": .text(file), "copy": .text(copy)]
        )
        #expect(differences == [], "protocol \(version)")
      }
    }
  }

  @Test(
    "a file that torch wrote with protocol 2 comes out byte for byte",
    arguments: names
  )
  func sameBytes(name: String) throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("first.pth")
      guard try Self.save(name, as: file) != nil else { return }
      // The root's name is the file's name: a copy needs the same one.
      let inner = try TemporaryDirectory()
      let copy = inner.file("first.pth")
      try Checkpoint.open(file).save(to: copy)
      #expect(try readFile(copy) == readFile(file))
    }
  }

  @Test("keys that are bytes have the text that Python gives them")
  func keysOfBytes() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("bytes.pth")
      let names: [String] = try Python.value(
        """
        keys = [b'\\xe9tat', b'\\xe8tat', b"it's", b'a\\n', b'']
        torch.save({k: torch.ones(2) for k in keys}, file)
        result = [str(k) for k in keys]
        """,
        ["file": .text(file)]
      )
      #expect(Array(try Checkpoint.open(file).tensors.keys) == names)
    }
  }
}
