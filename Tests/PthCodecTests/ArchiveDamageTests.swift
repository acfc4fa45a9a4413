import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("Damaged and hostile archives")
struct ArchiveDamageTests {
  static let sample = "torch-2.13/state_dict.pth"

  @Test(
    "A hostile file is refused for what is wrong with it",
    arguments: [
      ("crc_storage", ArchiveError.Code.badChecksum),
      ("crc_pickle", .badChecksum),
      ("flipped_bit", .badChecksum),
      ("usize_larger", .badDirectory),
      ("csize_larger", .overlap),
      ("local_name", .badLocalHeader),
      ("local_signature", .badLocalHeader),
      ("local_method", .badLocalHeader),
      ("local_extra", .badLocalHeader),
      ("encrypted", .encrypted),
      ("method_lzma", .unknownMethod),
      ("method_unknown", .unknownMethod),
      ("deflated_garbage", .badCompression),
      ("deflated_short", .badCompression),
      ("deflated_long", .badCompression),
      ("same_offset", .overlap),
      ("overlap", .overlap),
      ("duplicate_pickle", .duplicateName),
      ("duplicate_storage", .duplicateName),
      ("case_pickle", .duplicateName),
      ("two_roots", .noSingleRoot),
      ("no_root", .noSingleRoot),
      ("outside_root", .noSingleRoot),
      ("count_larger", .badEndRecord),
      ("count_smaller", .badDirectory),
      ("directory_past_end", .badEndRecord),
      ("directory_size", .badEndRecord),
      ("end64_past_end", .badEndRecord),
      ("disks", .multipleVolumes),
      ("zip64_extra", .badDirectory),
      ("zip64_cut", .badDirectory),
      ("only_end", .noSingleRoot),
      ("bomb_claims_less", .badCompression),
      ("cut_half", .truncated),
      ("cut_end", .truncated),
      ("cut_directory", .truncated),
    ]
  )
  func refuses(_ trick: (file: String, code: ArchiveError.Code)) throws {
    let bytes = try Fixture.bytes("hostile/zip/\(trick.file).pth")
    let fault = try Archives.fault(bytes)
    #expect(fault?.code == trick.code, "\(String(describing: fault))")
    #expect(fault?.description.isEmpty == false)
  }

  @Test("A file cut anywhere is refused with a typed error")
  func refusesEveryCut() throws {
    let bytes = try Fixture.bytes(Self.sample)
    for length in 0..<bytes.count {
      let fault = try Archives.fault(Array(bytes[..<length]))
      #expect(fault != nil, "\(length) of \(bytes.count) bytes")
      let code = fault?.code
      #expect(
        length == 0
          ? code == .emptyFile
          : code == .truncated || code == .notZip || code == .badEndRecord,
        "\(length): \(String(describing: fault))"
      )
    }
  }

  @Test("A flipped bit in a record's bytes never passes the CRC check")
  func noticesFlippedBits() throws {
    let bytes = try Fixture.bytes(Self.sample)
    let directory = try ZipDirectory(Archives.inMemory(bytes))
    for record in directory.records where record.compressedSize > 0 {
      let range = try directory.dataRange(of: record)
      for position in [range.lowerBound, range.upperBound - 1] {
        for bit in 0..<8 {
          var damaged = bytes
          damaged[position] ^= 1 << bit
          #expect(try Archives.fault(damaged)?.code == .badChecksum)
        }
      }
    }
  }

  @Test("No change of one or a few bytes makes the reader fail to answer")
  func survivesMutations() throws {
    var random = SeededGenerator(for: "archive mutations")
    let samples = try [Self.sample, "torch-2.13/container_deflated.pth"]
      .map { try Fixture.bytes($0) }
    for bytes in samples {
      let directory = try ZipDirectory(Archives.inMemory(bytes))
      let start = directory.end.directoryRange.lowerBound
      for round in 0..<3000 {
        var damaged = bytes
        for _ in 0...(round % 4) {
          // Most of what can go wrong is in the directory and after it.
          let position =
            round % 3 == 0
            ? Int.random(in: 0..<bytes.count, using: &random)
            : Int.random(in: start..<bytes.count, using: &random)
          let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
          damaged[position] =
            round % 2 == 0
            ? extremes.randomElement(using: &random) ?? 0
            : UInt8.random(in: 0...255, using: &random)
        }
        // Either it reads whole or it throws an archive error.
        _ = try Archives.fault(damaged)
      }
    }
  }

  @Test("A record that would inflate beyond the limits is not inflated")
  func limitsInflation() throws {
    let file = try MappedFile.open(Fixture.path("hostile/zip/bomb.pth"))
    let tight = ArchiveLimits(maximumInflatedBytes: 1 << 20)
    let reader = try ArchiveReader(file, limits: tight)
    let index = try #require(
      reader.directory.records.firstIndex { $0.isDeflated }
    )
    let error = #expect(throws: ArchiveError.self) {
      try reader.storage(at: index)
    }
    #expect(error?.code == .tooLarge)
    let wide = ArchiveLimits(maximumInflationRatio: 2000)
    let allowed = try ArchiveReader(file, limits: wide)
    #expect(try allowed.storage(at: index, checkingSum: true).byteCount > 0)
  }

  @Test("Only what is a zip archive is called one")
  func tellsOthersApart() throws {
    #expect(try Archives.fault([])?.code == .emptyFile)
    #expect(try Archives.fault(Array("no archive".utf8))?.code == .notZip)
    #expect(
      try Archives.fault(
        [0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 99)
      )?
      .code == .truncated
    )
  }
}
