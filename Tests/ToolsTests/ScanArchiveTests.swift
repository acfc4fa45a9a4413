import TestSupport
import Testing

/// `pth scan` on archives that are not as they should be.
@Suite("pth scan on hostile archives")
struct ScanArchiveTests {
  @Test(
    "each trick of an archive is a finding",
    arguments: [
      ("bomb_claims_less", "dangerous", "bad-compression"),
      ("case_pickle", "dangerous", "duplicate-name"),
      ("comment_size", "unknown", "comment-cut"),
      ("count_larger", "dangerous", "bad-end-record"),
      ("count_smaller", "dangerous", "bad-directory"),
      ("crc_pickle", "unknown", "bad-checksum"),
      ("crc_storage", "unknown", "bad-checksum"),
      ("csize_larger", "dangerous", "record-out-of-bounds"),
      ("cut_directory", "dangerous", "truncated"),
      ("cut_end", "dangerous", "truncated"),
      ("cut_half", "dangerous", "truncated"),
      ("deflated_garbage", "dangerous", "bad-compression"),
      ("deflated_long", "dangerous", "bad-compression"),
      ("deflated_short", "dangerous", "bad-compression"),
      ("directory_past_end", "dangerous", "bad-end-record"),
      ("directory_size", "dangerous", "bad-end-record"),
      ("disks", "dangerous", "multiple-volumes"),
      ("duplicate_pickle", "dangerous", "duplicate-name"),
      ("duplicate_storage", "unknown", "duplicate-name"),
      ("encrypted", "dangerous", "encrypted"),
      ("end64_past_end", "dangerous", "bad-end-record"),
      ("flipped_bit", "unknown", "bad-checksum"),
      ("local_extra", "dangerous", "bad-local-header"),
      ("local_method", "dangerous", "bad-local-header"),
      ("local_name", "dangerous", "bad-local-header"),
      ("local_name_pickle", "dangerous", "bad-local-header"),
      ("local_signature", "dangerous", "bad-local-header"),
      ("local_sizes", "unknown", "sizes-differ"),
      ("method_lzma", "dangerous", "unknown-method"),
      ("method_unknown", "dangerous", "unknown-method"),
      ("name_absolute", "unknown", "unsafe-name"),
      ("name_backslash", "unknown", "unsafe-name"),
      ("name_empty", "unknown", "empty-name"),
      ("name_not_utf8", "unknown", "name-not-utf8"),
      ("name_nul", "unknown", "nul-in-name"),
      ("name_parent", "unknown", "unsafe-name"),
      ("nested_deep", "dangerous", "nested-too-deep"),
      ("no_root", "unknown", "no-single-root"),
      ("offset_past_end", "dangerous", "bad-local-header"),
      ("outside_root", "unknown", "no-single-root"),
      ("overlap", "dangerous", "overlapping-records"),
      ("prefix", "unknown", "prepended-bytes"),
      ("prefix_pickle", "dangerous", "prepended-bytes"),
      ("same_offset", "dangerous", "overlapping-records"),
      ("size_smaller", "unknown", "no-descriptor"),
      ("trailing", "unknown", "trailing-bytes"),
      ("trailing_pickle", "dangerous", "trailing-bytes"),
      ("two_archives", "dangerous", "prepended-bytes"),
      ("two_directories", "dangerous", "bytes-behind-directory"),
      ("two_roots", "unknown", "no-single-root"),
      ("usize_larger", "dangerous", "bad-directory"),
      ("zip64_cut", "dangerous", "bad-directory"),
      ("zip64_extra", "dangerous", "bad-directory"),
    ]
  )
  func archiveTricks(file: String, verdict: String, code: String) throws {
    let (report, status) = try ScanReport.scan("hostile/zip/\(file).pth")
    #expect(report.verdict == verdict, "\(report)")
    #expect(report.codes.contains(code), "\(report.codes)")
    #expect(status == 1)
  }

  @Test(
    "what is odd but runs nothing is no finding",
    arguments: [
      "good", "bomb", "byteorder_word", "deflated_storage", "no_pickle",
      "no_storage", "no_version", "storage_long", "storage_short",
      "torchscript_mark", "version_99", "version_text",
    ]
  )
  func harmlessArchives(file: String) throws {
    let (report, status) = try ScanReport.scan("hostile/zip/\(file).pth")
    #expect(report.verdict == "safe", "\(report)")
    #expect(status == 0)
    #expect(report.findings.allSatisfy { $0.severity == "note" })
  }

  @Test("a name that promises another format is a finding")
  func wrongExtension() throws {
    for name in ["pickle.safetensors", "pickle.gguf", "archive.safetensors"] {
      let (report, status) = try ScanReport.scan("hostile/other/\(name)")
      #expect(report.codes == ["wrong-extension"], "\(name)")
      #expect(status == 1, "\(name)")
    }
  }
}
