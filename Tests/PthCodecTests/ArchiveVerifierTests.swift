import PthCodec
import Tensors
import TestSupport
import Testing

@Suite("Verifying archives")
struct ArchiveVerifierTests {
  private func findings(_ bytes: [UInt8]) throws -> [Finding] {
    try ZipVerifier.findings(
      Archives.inMemory(bytes),
      isCheckpoint: true,
      limits: ArchiveLimits(maximumInflationRatio: 2000)
    )
  }

  @Test(
    "Nothing is wrong with a file that PyTorch wrote",
    arguments: ["torch-1.13", "torch-2.13"]
  )
  func acceptsFixtures(folder: String) throws {
    for name in try Archives.fixtures(in: folder)
    where !name.contains("container_") {
      let found = try findings(Fixture.bytes(name))
      #expect(found.isEmpty, "\(name): \(found)")
    }
  }

  @Test(
    "Each trick is found",
    arguments: [
      ("crc_storage", "bad-checksum"), ("crc_pickle", "bad-checksum"),
      ("flipped_bit", "bad-checksum"), ("size_smaller", "no-descriptor"),
      ("usize_larger", "bad-directory"), ("local_name", "bad-local-header"),
      ("local_signature", "bad-local-header"),
      ("local_method", "bad-local-header"), ("local_sizes", "sizes-differ"),
      ("local_extra", "bad-local-header"), ("encrypted", "encrypted"),
      ("method_lzma", "unknown-method"), ("overlap", "overlapping-records"),
      ("deflated_garbage", "bad-compression"),
      ("same_offset", "overlapping-records"),
      ("duplicate_pickle", "duplicate-name"),
      ("duplicate_storage", "duplicate-name"),
      ("case_pickle", "duplicate-name"), ("two_roots", "no-single-root"),
      ("no_root", "no-single-root"), ("outside_root", "no-single-root"),
      ("name_parent", "unsafe-name"), ("name_absolute", "unsafe-name"),
      ("name_backslash", "unsafe-name"), ("name_nul", "nul-in-name"),
      ("name_not_utf8", "name-not-utf8"), ("name_empty", "empty-name"),
      ("prefix", "prepended-bytes"), ("comment_size", "comment-cut"),
      ("two_archives", "prepended-bytes"), ("cut_half", "truncated"),
      ("two_directories", "bytes-behind-directory"),
      ("offset_past_end", "bad-local-header"),
    ]
  )
  func finds(_ trick: (file: String, code: String)) throws {
    let found = try findings(Fixture.bytes("hostile/zip/\(trick.file).pth"))
    let codes = found.filter { $0.severity == .error }.map(\.code)
    #expect(codes.contains(trick.code), "\(found)")
  }

  @Test("Unusual but harmless archives give no error")
  func toleratesOddities() throws {
    let odd = try Archives.fixtures(in: "torch-2.13")
      .filter { $0.contains("container_") }
    #expect(odd.count > 5)
    for name in odd {
      let found = try findings(Fixture.bytes(name))
      #expect(!found.contains { $0.severity == .error }, "\(name): \(found)")
    }
    let trailing = try findings(Fixture.bytes("hostile/zip/trailing.pth"))
    #expect(trailing.map(\.code) == ["trailing-bytes"])
  }

  @Test("Every flipped bit of a file is found, wherever it is")
  func findsEveryFlip() throws {
    let bytes = try Fixture.bytes("torch-2.13/bare.pth")
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 1 << (position % 8)
      let found = try findings(damaged)
      guard found.allSatisfy({ $0.severity == .note }) else { continue }
      // Padding, versions and dates carry nothing.
      #expect(isIdle(position, in: bytes), "byte \(position)")
    }
  }

  /// Whether a byte of the file has no meaning to any reader of PyTorch's.
  private func isIdle(_ position: Int, in bytes: [UInt8]) -> Bool {
    guard let directory = try? ZipDirectory(Archives.inMemory(bytes)) else {
      return false
    }
    for record in directory.records {
      guard let header = try? directory.localHeader(of: record) else {
        return false
      }
      let local = position - header.offset
      let padding = header.offset + 30 + record.nameRange.count
      let central = position - record.entryRange.lowerBound
      if (4..<6).contains(local) || (10..<14).contains(local)
        || (padding..<header.dataOffset).contains(position)
        || (4..<8).contains(central) || (12..<16).contains(central)
        || (32..<42).contains(central)
      {
        return true
      }
    }
    // Versions and volume counts in the end records.
    return position >= directory.end.directoryRange.upperBound
  }
}
