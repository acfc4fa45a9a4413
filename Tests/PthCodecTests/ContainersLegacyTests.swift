import PthCodec
import Tensors
import TestSupport
import Testing

/// Files as torch wrote them before 1.6.
@Suite("Legacy files")
struct ContainersLegacyTests {
  static let names: [String] =
    ["torch-1.13", "torch-2.13", "legacy"].flatMap { folder in
      ((try? Manifest.load(folder).files) ?? [])
        .filter { $0.format == "pytorch-legacy" }
        .map { folder + "/" + $0.file }
    }

  /// Objects that torch saved in a legacy file and in a zip archive.
  static let twins = names.filter { name in
    guard name.hasSuffix("_legacy.pth") else { return false }
    // Here Python itself wrote another object: a state that was None once.
    return !name.hasSuffix("/objects_legacy.pth")
      && (try? Fixture.bytes(zipTwin(of: name))) != nil
  }

  static func zipTwin(of name: String) -> String {
    String(name.dropLast("_legacy.pth".count)) + ".pth"
  }

  static func fileName(of name: String) -> String {
    name.split(separator: "/").last.map(String.init) ?? name
  }

  @Test("the fixtures are there")
  func fixturesAreThere() {
    #expect(Self.names.count > 100)
    #expect(Self.twins.count > 75)
  }

  @Test("comes out byte for byte", arguments: names)
  func sameBytes(name: String) throws {
    try withTemporaryDirectory { folder in
      let copy = folder.file("copy.pth")
      try Checkpoint.open(Fixture.path(name)).save(to: copy, as: .pytorchLegacy)
      #expect(try readFile(copy) == Fixture.bytes(name))
    }
  }

  @Test("becomes the archive that torch writes of the object", arguments: twins)
  func sameArchive(name: String) throws {
    try withTemporaryDirectory { folder in
      let twin = Self.zipTwin(of: name)
      let copy = folder.file(Self.fileName(of: twin))
      try Checkpoint.open(Fixture.path(name)).save(
        to: copy,
        options: WriteOptions(
          layout: name.hasPrefix("torch-1") ? .torch1 : .torch2
        )
      )
      #expect(try readFile(copy) == Fixture.bytes(twin))
    }
  }

  @Test("an archive survives the way through a legacy file", arguments: twins)
  func archiveAndBack(name: String) throws {
    try withTemporaryDirectory { folder in
      let twin = Self.zipTwin(of: name)
      let legacy = folder.file("legacy.pth")
      let copy = folder.file(Self.fileName(of: twin))
      try Checkpoint.open(Fixture.path(twin)).save(
        to: legacy,
        as: .pytorchLegacy,
        options: WriteOptions(allowsLoss: true)
      )
      let opened = try Checkpoint.open(legacy)
      #expect(opened.format == .pytorchLegacy)
      try opened.save(
        to: copy,
        options: WriteOptions(
          layout: name.hasPrefix("torch-1") ? .torch1 : .torch2
        )
      )
      #expect(try readFile(copy) == Fixture.bytes(twin))
    }
  }

  @Test("the head is what torch writes", arguments: [2, 3, 4, 5])
  func head(version: Int) throws {
    let suffix = version == 2 ? "" : "_protocol\(version)"
    try withTemporaryDirectory { folder in
      let copy = folder.file("copy.pth")
      try Checkpoint.open(Fixture.path("torch-2.13/bare\(suffix).pth"))
        .save(to: copy, as: .pytorchLegacy)
      let magic: [UInt8] = [
        0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
      ]
      let frame: [UInt8] = [0x95, 13, 0, 0, 0, 0, 0, 0, 0]
      #expect(
        try readFile(copy).starts(
          with: [0x80, UInt8(version)] + (version < 4 ? [] : frame) + magic
        )
      )
    }
  }

  @Test("a view of a storage shares its memory")
  func views() throws {
    let checkpoint = try Checkpoint.open(
      Fixture.path("legacy/storage_views.pth")
    )
    let whole = try checkpoint.tensor("whole")
    let part = try checkpoint.tensor("part")
    #expect(whole.storage === part.storage)
    #expect(try part.elements(as: Float.self) == [0.5, 0.75, 1, 1.25])
    try withTemporaryDirectory { folder in
      let copy = folder.file("copy.pth")
      try checkpoint.save(to: copy)
      let again = try Checkpoint.open(copy)
      #expect(
        try again.tensor("whole").storage === again.tensor("part").storage
      )
      #expect(
        try again.tensor("part_offset").elements(as: Float.self)
          == [0.75, 1, 1.25]
      )
    }
  }

  @Test("tensors made in memory have counts of their own dtype")
  func fromMemory() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("made.pth")
      let made = try Checkpoint(Tensor([1, 2, 3] as [Double]))
      try made.save(to: file, as: .pytorchLegacy)
      let bytes = try readFile(file)
      #expect(bytes[bytes.count - 3 * 8 - 8] == 3)
      #expect(
        try Checkpoint.open(file).tensor("data").elements(as: Double.self)
          == [1, 2, 3]
      )
    }
  }

  @Test("a dtype that torch can't read from a legacy file is told")
  func unreadableDType() throws {
    try withTemporaryDirectory { folder in
      let checkpoint = try Checkpoint.open(
        Fixture.path("torch-2.13/dtype_float8_e4m3fn.pth")
      )
      let error = #expect(throws: CheckpointError.self) {
        try checkpoint.save(to: folder.file("a.pth"), as: .pytorchLegacy)
      }
      #expect(error?.code == .lossy)
    }
  }
}

/// Legacy files that were cut or changed.
@Suite("Damaged legacy files")
struct ContainersLegacyDamageTests {
  static let source = "torch-1.13/views_legacy.pth"

  @Test("no beginning of a file is taken for the whole")
  func cut() throws {
    let bytes = try Fixture.bytes(Self.source)
    try withTemporaryDirectory { folder in
      let file = folder.file("cut.pth")
      for count in bytes.indices {
        try writeFile(bytes.prefix(count), to: file)
        #expect(throws: CheckpointError.self, "\(count) bytes") {
          try Checkpoint.open(file)
        }
      }
    }
  }

  /// Opens a file whose bytes were changed.
  static func open(
    _ change: (inout [UInt8]) throws -> Void
  ) throws -> CheckpointError? {
    var bytes = try Fixture.bytes("torch-2.13/bare_legacy.pth")
    try change(&bytes)
    return try withTemporaryDirectory { folder in
      let file = folder.file("changed.pth")
      try writeFile(bytes, to: file)
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(file, as: .pytorchLegacy)
      }
      #expect(error?.file == file)
      return error
    }
  }

  /// The place of the count of the only storage: 6 float32.
  static func count(in bytes: [UInt8]) -> Int { bytes.count - 6 * 4 - 8 }

  @Test(
    "a count that can't be is refused before memory is reserved",
    arguments: [Int64.max, 1 << 61, 1 << 40, 7, -1, .min]
  )
  func hugeCount(count: Int64) throws {
    let error = try Self.open { bytes in
      let place = Self.count(in: bytes)
      try #require(bytes[place] == 6)
      for index in 0..<8 {
        bytes[place + index] = UInt8(truncatingIfNeeded: count >> (8 * index))
      }
    }
    #expect(error?.code == .damaged)
    #expect(error?.offset != nil)
  }

  @Test("a count below the object's is refused")
  func smallCount() throws {
    let error = try Self.open { bytes in
      let place = Self.count(in: bytes)
      bytes[place] = 5
    }
    #expect(error?.message.contains("24 bytes") == true)
  }

  @Test("a storage that is on no list is refused")
  func unknownKey() throws {
    let error = try Self.open { bytes in
      // The last digit of the key, in the list behind the object.
      bytes[Self.count(in: bytes) - 5] ^= 1
    }
    #expect(error?.message.contains("does not mention it") == true)
  }

  @Test("another magic number or version is no legacy file")
  func magic() throws {
    let magic = try Self.open { $0[5] ^= 1 }
    #expect(magic?.message.contains("magic") == true)
    let version = try Self.open { bytes in
      let place = try #require(bytes.firstIndex(of: 0x4d))
      bytes[place + 1] ^= 1
    }
    #expect(version?.code == .unsupported)
  }
}
