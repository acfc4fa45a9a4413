/// The findings of one pickle: past a number that nobody would read to its end
/// they are only counted, by their severity.
struct FindingList {
  private var listed: [Finding] = []
  private var counted: [Finding.Severity: Int] = [:]

  private static let most = 10_000

  /// Adds a finding, which is made only where it is listed.
  mutating func add(_ severity: Finding.Severity, _ finding: () -> Finding) {
    if listed.count < Self.most {
      listed.append(finding())
    } else {
      counted[severity, default: 0] += 1
    }
  }

  /// Adds a finding.
  mutating func add(_ finding: Finding) {
    add(finding.severity) { finding }
  }

  /// The findings in the order of the pickle, and how many more there are.
  ///
  /// - Parameter record: The pickle's record inside the archive.
  /// - Returns: The findings, errors and others mixed as they come.
  func sorted(record: String?) -> [Finding] {
    // A stable sort: of several faults at one opcode the first one counts.
    let sorted = listed.enumerated().sorted {
      ($0.element.offset ?? 0, $0.offset) < ($1.element.offset ?? 0, $1.offset)
    }.map(\.element)
    let more = Finding.Severity.allCases.compactMap { severity in
      counted[severity].map { count in
        Finding(
          severity,
          "more-findings",
          record: record,
          "\(count) more of this severity are not listed"
        )
      }
    }
    return sorted + more
  }
}
