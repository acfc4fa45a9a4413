import PthCodec
import TestSupport
import Testing

/// `pth check` says what both torches did, file by file and mode by mode.
@Suite("Checking whether torch will load a file")
struct TrustLoadCheckTests {
  static let tables = Result {
    [
      TorchTarget.torch1: try LoadTable.load("torch-1.13"),
      .torch2: try LoadTable.load("torch-2.13"),
    ]
  }

  /// What is known to be judged otherwise, and why.
  static let exceptions: [(row: String, why: String)] = [
    (
      "torch-2.13/bare_legacy.pth flip(offset: 330, bit: 7)",
      "a count of -2^63 + 6 elements of 4 bytes is 24 bytes, modulo 2^64"
    )
  ]

  /// Files of a million values are judged in one mode: they take their time.
  static let large: Set<String> = Set(
    [
      "deep_lists", "deep_tuples", "deep_dicts", "marks", "long_integer",
      "many_memos",
    ].map { "hostile/pickle/\($0).pth" } + ["hostile/zip/bomb_pickle.pth"]
  )

  static func isAsMeant(
    _ report: LoadReport,
    _ outcome: String?
  ) -> Bool {
    guard let outcome else { return report.loads }
    guard report.loads else { return true }
    let warnings = Set(
      report.findings.filter { $0.severity == .warning }.map(\.code)
    )
    // What the file runs may do anything, and fail.
    if warnings.contains("runs-code") || warnings.contains("computed-name") {
      return true
    }
    if outcome == "garbage" { return !warnings.isEmpty }
    if outcome.hasPrefix("MemoryError") {
      return warnings.contains("needs-memory")
    }
    let isMissing = [
      "No module named", "Can't get attribute", "has no attribute",
    ].contains { outcome.contains($0) }
    return isMissing && warnings.contains("needs-module")
  }

  static func check(_ rows: some Sequence<Int>, _ target: TorchTarget) throws {
    let table = try #require(try tables.get()[target])
    try withTemporaryDirectory { folder in
      for row in rows.map({ table.rows[$0] }) {
        let name = row.file.split(separator: "/").last.map(String.init) ?? ""
        let path = folder.file(name)
        try writeFile(row.bytes(), to: path)
        for (mode, outcome) in zip(table.modes, row.outcomes) {
          if large.contains(row.file), mode.weightsOnly || mode.mmap {
            continue
          }
          let options = LoadOptions(
            target,
            weightsOnly: mode.weightsOnly,
            mmap: mode.mmap
          )
          let report = try? LoadCheck.check(path, options: options)
          let isRight =
            report.map { isAsMeant($0, outcome) } ?? (outcome != nil)
          let isKnown = exceptions.contains { $0.row == "\(row)" }
          #expect(
            isRight || isKnown,
            """
            \(row), \(target), weights only \(mode.weightsOnly), \
            mmap \(mode.mmap): torch says \(outcome ?? "nothing"), we \
            \(report?.findings.map(\.description) ?? ["refuse it"])
            """
          )
        }
      }
    }
  }

  @Test(
    "the verdict is torch's own, of files whole and damaged",
    arguments: TorchTarget.allCases,
    0..<8
  )
  func verdicts(target: TorchTarget, part: Int) throws {
    let count = try #require(try Self.tables.get()[target]).rows.count
    #expect(count > 1500)
    try Self.check(stride(from: part, to: count, by: 8), target)
  }

  @Test("torch 1.13 has no argument mmap")
  func noMmap() throws {
    let report = try LoadCheck.check(
      Fixture.path("torch-1.13/bare.pth"),
      options: LoadOptions(.torch1, mmap: true)
    )
    #expect(report.findings.map(\.code) == ["no-mmap"])
  }
}
