internal import PthCodec

/// Reports of `pth verify` as the tool prints them.
extension VerifyReport: CheckReport {
  var passes: Bool { isSound }

  func text(named name: String) -> String {
    let verdict = isSound ? Style.good("sound") : Style.bad("not sound")
    return "\(name): \(verdict)\n" + FindingText.lines(of: findings)
  }

  func json(file: String) -> JSONValue {
    .object([
      ("file", .string(file)),
      ("format", .string(format.rawValue)),
      ("sound", .bool(isSound)),
      ("findings", .array(findings.map(FindingText.json(of:)))),
    ])
  }
}
