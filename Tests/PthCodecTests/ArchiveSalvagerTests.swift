import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("Salvaging damaged archives")
struct ArchiveSalvagerTests {
  private func salvager(_ bytes: [UInt8]) throws -> ArchiveSalvager {
    try ArchiveSalvager(Archives.inMemory(bytes))
  }

  private func intact(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
    let salvager = try salvager(bytes)
    var found: [String: [UInt8]] = [:]
    for record in salvager.records where record.state == .intact {
      found[record.name] = try salvager.storage(of: record)
        .withUnsafeBytes(Array.init)
    }
    return found
  }

  private func original(_ name: String) throws -> [String: [UInt8]] {
    let reader = try GeneralZipReader(MappedFile.open(Fixture.path(name)))
    var found: [String: [UInt8]] = [:]
    for (index, name) in reader.names.enumerated() {
      found[name] = try reader.storage(at: index).withUnsafeBytes(Array.init)
    }
    return found
  }

  @Test(
    "Everything is found without the central directory",
    arguments: [
      "torch-1.13/state_dict.pth", "torch-2.13/state_dict.pth",
      "torch-2.13/empties.pth", "torch-2.13/torchscript_script.pt",
      "torch-2.13/container_deflated.pth",
      "torch-2.13/container_unicode_root.pth",
    ]
  )
  func findsAll(name: String) throws {
    let bytes = try Fixture.bytes(name)
    let directory = try ZipDirectory(Archives.inMemory(bytes))
    let cut = Array(bytes[..<directory.end.directoryRange.lowerBound])
    #expect(try intact(cut) == original(name))
  }

  @Test("A cut file gives exactly the records before the cut")
  func givesWhatIsBeforeTheCut() throws {
    let name = "torch-2.13/state_dict.pth"
    let bytes = try Fixture.bytes(name)
    let whole = try original(name)
    let directory = try ZipDirectory(Archives.inMemory(bytes))
    let ends = try directory.records.map { record in
      let range = try directory.dataRange(of: record)
      return (
        directory.name(of: record),
        range.upperBound + (range.isEmpty ? 0 : 16)
      )
    }
    for length in stride(from: 1, to: bytes.count, by: 7) {
      let found = try intact(Array(bytes[..<length]))
      let expected = Set(ends.filter { $0.1 <= length }.map(\.0))
      #expect(Set(found.keys) == expected, "\(length) bytes")
      for (record, content) in found { #expect(content == whole[record]) }
    }
  }

  @Test("A flipped bit costs the record that it is in, and no other")
  func losesOneRecord() throws {
    let name = "torch-2.13/state_dict.pth"
    let bytes = try Fixture.bytes(name)
    let whole = try original(name)
    let directory = try ZipDirectory(Archives.inMemory(bytes))
    for record in directory.records where record.compressedSize > 0 {
      var damaged = bytes
      damaged[try directory.dataRange(of: record).lowerBound] ^= 1
      let lost = directory.name(of: record)
      var expected = whole
      expected[lost] = nil
      #expect(try intact(damaged) == expected)
      let states = try salvager(damaged).records
        .filter { $0.state == .wrongChecksum }
        .map(\.name)
      #expect(states == [lost])
    }
  }

  @Test("An archive inside a record is not taken for the archive's own")
  func ignoresNested() throws {
    let inner = try Archives.written([("data.pkl", [9])], root: "inner")
    let outer = try Archives.written(
      [("data.pkl", [1]), ("data/0", inner), ("version", [3])],
      root: "outer"
    )
    let expected: [String: [UInt8]] = [
      "outer/data.pkl": [1], "outer/data/0": inner, "outer/version": [3],
    ]
    #expect(try intact(outer) == expected)
  }

  @Test("Half a checkpoint still has its root and its pickle")
  func halfAFile() throws {
    let bytes = try Fixture.bytes("torch-2.13/state_dict.pth")
    let salvager = try salvager(Array(bytes[..<(bytes.count / 2)]))
    #expect(salvager.root == "state_dict")
    #expect(salvager.record("data.pkl")?.state == .intact)
    #expect(salvager.records.filter { $0.state == .intact }.count > 1)
  }

  @Test("Many headers without an end take linear time")
  func isLinear() throws {
    let header: [UInt8] =
      [0x50, 0x4B, 3, 4, 0, 0, 8, 8] + [UInt8](repeating: 0, count: 18)
      + [1, 0, 0, 0, 0x61]
    let bytes = Array(repeatElement(header, count: 20_000).joined())
    let archive = try Archives.inMemory(bytes)
    let time = ContinuousClock().measure {
      #expect(ArchiveSalvager(archive).records.count == 1)
    }
    #expect(time < .seconds(20))
  }
}
