import OrderedCollections
import PthCodec
import TestSupport
import Testing

/// Tars that other programs than torch wrote: names and sizes in pax headers.
@Suite("Tar archives with pax headers")
struct ContainersPaxTests {
  private struct Member {
    var name: String
    var bytes: [UInt8]
    /// Records of a pax header in front of it.
    var records: [String] = []
    /// The size in its own header, where that is not the bytes'.
    var size: Int?
  }

  /// The members of a tar of torch 0.1.
  private static func members() throws -> [Member] {
    let bytes = try Fixture.bytes(ContainersTarTests.source)
    var members: [Member] = []
    var position = 0
    while bytes[position] != 0 {
      let name = bytes[position...].prefix { $0 != 0 }
      let digits = bytes[(position + 124)...].prefix { $0 > 0x20 }
      let size = try #require(
        Int(String(decoding: digits, as: UTF8.self), radix: 8)
      )
      let start = position + 512
      members.append(
        Member(
          name: String(decoding: name, as: UTF8.self),
          bytes: Array(bytes[start..<start + size])
        )
      )
      position = start + (size + 511) / 512 * 512
    }
    return members
  }

  private static func tar(_ members: [Member]) -> [UInt8] {
    var tar: [UInt8] = []
    func add(_ name: String, _ type: Character, _ bytes: [UInt8], _ size: Int) {
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, at start: Int) {
        for (index, byte) in text.utf8.enumerated() {
          header[start + index] = byte
        }
      }
      put(name, at: 0)
      put(String(size, radix: 8), at: 124)
      put(String(type), at: 156)
      put("        ", at: 148)
      let sum = header.reduce(0) { $0 + Int($1) }
      put(String(sum, radix: 8) + "\0", at: 148)
      let padding = (512 - bytes.count % 512) % 512
      tar += header + bytes + [UInt8](repeating: 0, count: padding)
    }
    for member in members {
      if !member.records.isEmpty {
        let records = Array(member.records.joined().utf8)
        add("PaxHeaders/" + member.name, "x", records, records.count)
      }
      add(member.name, "0", member.bytes, member.size ?? member.bytes.count)
    }
    return tar + [UInt8](repeating: 0, count: 1024)
  }

  /// `length key=value`, where the length counts itself.
  private static func record(_ key: String, _ value: String) -> String {
    let rest = " \(key)=\(value)\n"
    var length = rest.utf8.count
    while "\(length)\(rest)".utf8.count != length { length += 1 }
    return "\(length)\(rest)"
  }

  private static func open(_ members: [Member]) throws -> Checkpoint {
    let folder = try TemporaryDirectory()
    let path = folder.file("model.tar")
    try writeFile(tar(members), to: path)
    return try Checkpoint.open(path)
  }

  @Test("the records' names and sizes count, and others are passed over")
  func reads() throws {
    let members = try Self.members().map { member in
      Member(
        name: "m",
        bytes: member.bytes,
        records: [
          Self.record("mtime", "1700000000.123456"),
          Self.record("path", "./" + member.name),
          Self.record("size", "\(member.bytes.count)"),
        ],
        size: 0
      )
    }
    let copy = try Self.open(members)
    let whole = try Checkpoint.open(Fixture.path(ContainersTarTests.source))
    #expect(copy.format == .pytorchTar)
    #expect(copy.tensors.keys == whole.tensors.keys)
    for (name, tensor) in whole.tensors {
      #expect(try copy.tensor(name).sha256() == tensor.sha256())
    }
  }

  @Test(
    "a record whose length is wrong is an error",
    arguments: ["99 path=pickle\n", "3 path=pickle\n", "path=pickle\n"]
  )
  func wrongLength(record: String) throws {
    var members = try Self.members()
    members[1].records = [record]
    let error = #expect(throws: CheckpointError.self) {
      try Self.open(members)
    }
    #expect(error?.message == "a record of a pax header has a wrong length")
    #expect(error?.offset != nil)
  }

  @Test("a name that is there twice, by its record, is an error")
  func twice() throws {
    var members = try Self.members()
    members[1].records = [Self.record("path", members[0].name)]
    let error = #expect(throws: CheckpointError.self) {
      try Self.open(members)
    }
    #expect(error?.message.hasSuffix("is there twice") == true)
  }

  @Test("each missing member is told by its name", arguments: 2...3)
  func missing(index: Int) throws {
    var members = try Self.members()
    let name = members.remove(at: index).name
    let error = #expect(throws: CheckpointError.self) {
      try Self.open(members)
    }
    #expect(error?.message == "the tar archive has no member \(name)")
  }
}
