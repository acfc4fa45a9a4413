internal import PthCodec

/// What a check found in one file.
protocol CheckReport {
  /// Whether the file is as it should be.
  var passes: Bool { get }

  /// The report for a person.
  ///
  /// - Parameter name: What to call the file.
  /// - Returns: Lines, each with its end.
  func text(named name: String) -> String

  /// The report for programs.
  ///
  /// - Parameter file: The file as it was given.
  /// - Returns: One object.
  func json(file: String) -> JSONValue
}

extension CheckReport {
  /// Checks files one after the other and prints what was found.
  ///
  /// - Parameters:
  ///   - files: The files; `-` is standard input.
  ///   - doing: What is being done, for the progress bar.
  ///   - json: Whether JSON is printed.
  ///   - check: Checks the file at a path.
  /// - Throws: What `check` throws, ``Exit/found`` where a file does not pass.
  static func report(
    on files: [String],
    _ doing: String,
    json: Bool,
    check: (String, @escaping ProgressHandler) throws -> Self
  ) throws {
    var reports: [JSONValue] = []
    var allPass = true
    for file in files {
      let path = try StandardInput.path(for: file)
      let name = StandardInput.name(of: file)
      let report = try ProgressBar.during("\(doing) \(name)") {
        try check(path, $0)
      }
      allPass = allPass && report.passes
      if json {
        reports.append(report.json(file: file))
      } else {
        print(report.text(named: name), terminator: "")
      }
    }
    JSONOutput.print(reports, isAsked: json)
    if !allPass { throw Exit.found }
  }
}
