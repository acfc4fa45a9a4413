import TestSupport

/// What `pth scan --json` prints of a file.
struct ScanReport: Decodable {
  let file: String
  let verdict: String
  let clean: Bool
  let findings: [FindingReport]
  let pickles: [Pickle]

  struct Pickle: Decodable {
    let location: String
    let verdict: String
    let globals: [Global]
    let failure: String?
  }

  struct Global: Decodable {
    let name: String
    let verdict: String
    let opcode: String
    let offset: Int
    let calls: Int
    let keyPath: String?
    let callOpcode: String?
    let changed: Bool?
    let passedOn: Bool?
  }

  var codes: [String] { findings.map(\.code) }

  func names(_ verdict: String) -> Set<String> {
    Set(
      pickles.flatMap(\.globals).filter { $0.verdict == verdict }
        .map(\.name)
    )
  }
}

extension ScanReport {
  /// Scans a fixture.
  ///
  /// - Parameters:
  ///   - name: The path below `fixtures/`.
  ///   - options: Further options.
  /// - Returns: The report and the exit code.
  /// - Throws: What running the tool and reading its report throw.
  static func scan(
    _ name: String,
    _ options: String...
  ) throws -> (report: ScanReport, status: Int32) {
    let run = try PthTool.run(
      ["scan", "--json", Fixture.path(name)] + options
    )
    return (try run.json(), run.status)
  }
}
