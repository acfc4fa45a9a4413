internal import PthCodec

/// Reports of several files as JSON.
enum JSONOutput {
  /// Prints one report as an object, several as a list; nothing where JSON is
  /// not asked for.
  static func print(_ reports: [JSONValue], isAsked: Bool) {
    guard isAsked else { return }
    let value = reports.count == 1 ? reports[0] : .array(reports)
    value.write(indent: 2) { Swift.print($0, terminator: "") }
    Swift.print()
  }
}
