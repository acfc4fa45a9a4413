import TestSupport
import Testing

/// `pth verify` on files with one thing wrong, and on sound ones.
@Suite("pth verify")
struct VerifyCommandTests {
  struct Report: Decodable {
    let file: String
    let format: String
    let sound: Bool
    let findings: [FindingReport]

    /// The codes of what makes it unsound.
    var codes: Set<String> {
      Set(findings.filter { $0.severity != "note" }.map(\.code))
    }
  }

  static func verify(
    _ path: String,
    _ options: String...
  ) throws -> (report: Report, status: Int32) {
    let run = try PthTool.run(["verify", "--json", path] + options)
    return (try run.json(), run.status)
  }

  @Test(
    "each fault of an archive is told, and nothing else",
    arguments: [
      ("bomb", ["deflated-storage"]),
      (
        "bomb_claims_less",
        [
          "bad-compression", "deflated-storage", "descriptor-differs",
          "storage-size",
        ]
      ),
      ("bomb_pickle", ["inflates-too-large"]),
      ("byteorder_word", ["bad-byteorder"]),
      ("case_pickle", ["duplicate-name"]),
      ("comment_size", ["comment-cut"]),
      ("count_larger", ["bad-end-record"]),
      ("count_smaller", ["bad-directory"]),
      ("crc_pickle", ["bad-checksum"]),
      ("crc_storage", ["bad-checksum"]),
      ("csize_larger", ["overlapping-records", "record-out-of-bounds"]),
      ("cut_directory", ["truncated"]),
      ("cut_end", ["truncated"]),
      ("cut_half", ["truncated"]),
      ("deflated_garbage", ["bad-compression", "deflated-storage"]),
      ("deflated_long", ["bad-compression", "deflated-storage"]),
      ("deflated_short", ["bad-compression", "deflated-storage"]),
      ("deflated_storage", ["deflated-storage"]),
      ("directory_past_end", ["bad-end-record"]),
      ("directory_size", ["bad-end-record"]),
      ("disks", ["multiple-volumes"]),
      ("duplicate_pickle", ["duplicate-name"]),
      ("duplicate_storage", ["duplicate-name"]),
      ("encrypted", ["encrypted"]),
      ("end64_past_end", ["bad-end-record"]),
      ("flipped_bit", ["bad-checksum"]),
      ("good", []),
      ("local_extra", ["bad-local-header"]),
      ("local_method", ["bad-local-header"]),
      ("local_name", ["bad-local-header"]),
      ("local_name_pickle", ["bad-local-header"]),
      ("local_signature", ["bad-local-header"]),
      ("local_sizes", ["sizes-differ", "sums-differ"]),
      ("method_lzma", ["unknown-method"]),
      ("method_unknown", ["unknown-method"]),
      ("name_absolute", ["no-single-root", "unsafe-name"]),
      ("name_backslash", ["no-single-root", "unsafe-name"]),
      ("name_empty", ["empty-name", "no-single-root"]),
      ("name_not_utf8", ["name-not-utf8"]),
      ("name_nul", ["nul-in-name"]),
      ("name_parent", ["unsafe-name"]),
      ("no_pickle", ["missing-record"]),
      ("no_root", ["no-single-root"]),
      ("no_storage", ["missing-record"]),
      ("no_version", ["missing-record"]),
      ("offset_past_end", ["bad-local-header", "unused-bytes"]),
      ("outside_root", ["no-single-root"]),
      ("overlap", ["overlapping-records", "sums-differ", "unused-bytes"]),
      ("prefix", ["prepended-bytes", "unused-bytes"]),
      ("same_offset", ["bad-local-header", "overlapping-records"]),
      (
        "size_smaller",
        ["bad-checksum", "no-descriptor", "storage-size", "unused-bytes"]
      ),
      ("storage_empty", ["no-descriptor", "storage-size"]),
      ("storage_long", ["storage-size"]),
      ("storage_short", ["storage-size"]),
      ("torchscript_mark", ["torchscript-mark"]),
      ("trailing", ["trailing-bytes"]),
      ("two_archives", ["prepended-bytes"]),
      ("two_directories", ["bytes-behind-directory"]),
      ("two_roots", ["no-single-root"]),
      ("usize_larger", ["bad-directory", "storage-size"]),
      ("version_99", ["bad-version"]),
      ("version_text", ["bad-version"]),
      ("zip64_cut", ["bad-directory"]),
      ("zip64_extra", ["bad-directory"]),
    ] as [(String, Set<String>)]
  )
  func archives(file: String, codes: Set<String>) throws {
    let path = Fixture.path("hostile/zip/\(file).pth")
    let (report, status) = try Self.verify(path)
    #expect(report.codes == codes, "\(report.findings)")
    #expect(report.sound == codes.isEmpty)
    #expect(status == (codes.isEmpty ? 0 : 1))
  }

  @Test(
    "each tensor that can't be is told with its key path",
    arguments: [
      ("bigger_than_int", "bad-tensor"), ("negative_offset", "bad-tensor"),
      ("negative_size", "bad-tensor"), ("negative_stride", "bad-tensor"),
      ("offset_past_end", "bad-tensor"), ("past_end", "bad-tensor"),
      ("rank_mismatch", "bad-tensor"), ("size_overflow", "bad-tensor"),
      ("stride_overflow", "bad-tensor"), ("stride_past_end", "bad-tensor"),
      ("storage_count", "storage-size"), ("storage_count_less", "storage-size"),
      ("storage_count_huge", "bad-tensor"),
      ("storage_count_negative", "bad-tensor"),
      ("storage_count_text", "damaged"), ("storage_is_none", "bad-tensor"),
      ("storage_missing", "missing-record"), ("changed", "unsupported"),
      ("changed_attributes", "unsupported"), ("changed_storage", "unsupported"),
      ("storage_key_path", "missing-record"),
    ]
  )
  func tensors(file: String, code: String) throws {
    let path = Fixture.path("hostile/tensor/\(file).pth")
    let (report, status) = try Self.verify(path)
    let found = report.findings.filter { $0.code == code }
    #expect(!found.isEmpty, "\(report.findings)")
    #expect(found.contains { $0.keyPath == "w" }, "\(found)")
    #expect(status == 1)
  }

  @Test(
    "an object that is given two states, or a dictionary one key twice, is told",
    arguments: [
      "module_of_two_states", "repeated_key", "repeated_key_ordered",
      "repeated_key_number",
    ]
  )
  func readTwoWays(file: String) throws {
    let path = Fixture.path("hostile/tensor/\(file).pth")
    let (report, status) = try Self.verify(path)
    #expect(report.findings.map(\.code).contains("unsupported"))
    #expect(status == 1)
  }

  @Test(
    "what PyTorch wrote is sound",
    arguments: ["torch-1.13", "torch-2.13", "legacy", "formats", "mnist"]
  )
  func honestFiles(folder: String) throws {
    let files = try Fixture.checkpoints(in: folder).filter {
      !$0.contains("/refused_")
    }
    let run = try PthTool.run(
      ["verify", "--json"] + files.map { Fixture.path($0) }
    )
    let reports: [Report] = try run.json()
    for (name, report) in zip(files, reports) {
      let codes: Set<String> =
        switch name {
        case "torch-2.13/container_deflated.pth": ["deflated-storage"]
        case "torch-2.13/container_trailing.pth": ["trailing-bytes"]
        default: []
        }
      #expect(report.codes == codes, "\(name): \(report.findings)")
    }
  }

  @Test("--finite finds NaN and infinities, and only then")
  func finite() throws {
    let path = Fixture.path("torch-2.13/dtype_float32.pth")
    #expect(try Self.verify(path).status == 0)
    let (report, status) = try Self.verify(path, "--finite")
    #expect(status == 1)
    #expect(report.codes == ["non-finite"], "\(report.findings)")
    let trained = Fixture.path("mnist/hw7_trained.pth")
    #expect(try Self.verify(trained, "--finite").status == 0)
  }

  @Test("text, exit codes, and what is no checkpoint")
  func texts() throws {
    let bad = Fixture.path("hostile/zip/flipped_bit.pth")
    let good = Fixture.path("hostile/zip/good.pth")
    let run = try PthTool.run("verify", good, bad)
    #expect(run.status == 1)
    #expect(
      run.text.hasPrefix(
        "\(good): sound\n\(bad): not sound\n  error bad-checksum "
      )
    )
    #expect(run.text.contains("archive/data/0"))
    let text = try PthTool.run(
      "verify",
      Fixture.path("hostile/format/text.pth")
    )
    #expect(text.status == 65)
    #expect(try PthTool.run("verify", "/no/such/file.pth").status == 66)
    #expect(try PthTool.run("verify").status == 64)
  }
}
