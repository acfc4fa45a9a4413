internal import PthCodec

/// Findings as the tool prints them.
enum FindingText {
  /// Findings for a person, a line each.
  static func lines(of findings: [Finding]) -> String {
    findings.map { "  \(Text.printable($0.description))\n" }.joined()
  }

  /// A finding for programs; what it does not have is left out.
  static func json(of finding: Finding) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("severity", .string(finding.severity.rawValue)),
      ("code", .string(finding.code)),
    ]
    if let record = finding.record {
      members.append(("record", .string(record)))
    }
    if let offset = finding.offset {
      members.append(("offset", .int(offset)))
    }
    if let path = finding.keyPath {
      members.append(("keyPath", .string(path)))
    }
    members.append(("message", .string(finding.message)))
    return .object(members)
  }
}
