internal import PthCodec

/// Reports of `pth scan` as the tool prints them.
extension ScanReport: CheckReport {
  var passes: Bool { isClean }

  private static let mostShown = 50

  func text(named name: String) -> String {
    let verdict =
      isClean ? Style.good("clean") : Style.bad(self.verdict.rawValue)
    var text = "\(name): \(verdict) (\(Text.count(pickles.count, "pickle")))\n"
    text += FindingText.lines(of: findings)
    for pickle in pickles where pickle.verdict != .safe {
      text += Self.lines(of: pickle)
    }
    return text
  }

  private static func lines(of pickle: ScannedPickle) -> String {
    let place = pickle.location.isEmpty ? "the pickle" : pickle.location
    var text =
      "  in \(Text.printable(place)), from byte \(pickle.offset):\n"
    let bad = pickle.globals.filter { $0.verdict != .safe }
      .sorted { $0.verdict > $1.verdict }
    for global in bad.prefix(mostShown) {
      text += "    \(global.verdict.rawValue) \(Text.printable(global.name))"
      text += " (\(global.opcode) @\(global.offset)"
      if let call = global.firstCall {
        text += ", called by \(call.opcode) @\(call.offset)"
        if global.callCount > 1 { text += " and \(global.callCount - 1) more" }
      }
      if global.isChanged { text += ", changed" }
      if global.isPassedOn { text += ", passed on" }
      text += ")"
      if let path = global.keyPath {
        text += " at \(path.isEmpty ? "the root" : Text.printable(path))"
      }
      text += "\n"
    }
    if bad.count > mostShown {
      text += "    and \(bad.count - mostShown) further names\n"
    }
    if let failure = pickle.failure {
      text += "    dangerous: it can't be read to its end: "
      text += Text.printable(failure)
      if let offset = pickle.failureOffset { text += " @\(offset)" }
      text += "\n"
    }
    return text
  }

  func json(file: String) -> JSONValue {
    .object([
      ("file", .string(file)),
      ("verdict", .string(verdict.rawValue)),
      ("clean", .bool(isClean)),
      ("findings", .array(findings.map(FindingText.json(of:)))),
      ("pickles", .array(pickles.map(Self.json(of:)))),
    ])
  }

  private static func json(of pickle: ScannedPickle) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("location", .string(pickle.location)),
      ("offset", .int(pickle.offset)),
      ("bytes", .int(pickle.byteCount)),
      ("protocol", .int(pickle.protocolVersion)),
      ("verdict", .string(pickle.verdict.rawValue)),
      ("globals", .array(pickle.globals.map(json(of:)))),
    ]
    if let failure = pickle.failure {
      members.append(("failure", .string(failure)))
    }
    if let offset = pickle.failureOffset {
      members.append(("failureOffset", .int(offset)))
    }
    return .object(members)
  }

  private static func json(of global: ScannedGlobal) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("name", .string(global.name)),
      ("verdict", .string(global.verdict.rawValue)),
      ("opcode", .string(global.opcode)),
      ("offset", .int(global.offset)),
      ("imports", .int(global.importCount)),
      ("calls", .int(global.callCount)),
    ]
    if let path = global.keyPath { members.append(("keyPath", .string(path))) }
    if let call = global.firstCall {
      members.append(("callOpcode", .string(call.opcode)))
      members.append(("callOffset", .int(call.offset)))
    }
    if global.isChanged { members.append(("changed", .bool(true))) }
    if global.isPassedOn { members.append(("passedOn", .bool(true))) }
    return .object(members)
  }
}
