internal import ArgumentParser
internal import PthCodec

/// `pth verify`: whether a file is sound.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check sums, names, bounds and sizes, which PyTorch does not.",
    discussion: """
      Every record's CRC-32 is compared, the directory with the local headers, \
      each storage's size with its dtype and count, each view with its \
      storage. Exit code 0: sound, 1: not, 65: no checkpoint at all. Notes \
      alone do not make a file unsound.

      Examples:
        pth verify hw7_21307303_liuzhuoyi.pth --finite
        pth verify *.pth --json
      """
  )

  @Argument(
    help: "The files or folders; - for standard input.",
    completion: .file()
  )
  var files: [String]

  @Flag(help: "Look for NaN and infinite elements too.")
  var finite = false

  @Flag(help: "Print one JSON object, or a list of them for several files.")
  var json = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    var reports: [JSONValue] = []
    var isSound = true
    for file in files {
      let path = try StandardInput.path(for: file)
      let name = StandardInput.name(of: file)
      let report = try ProgressBar.during("checking \(name)") { progress in
        try FileVerifier.verify(
          path,
          options: VerifyOptions(
            checksFinite: finite,
            reading: limits.readOptions,
            progress: progress
          )
        )
      }
      isSound = isSound && report.isSound
      if json {
        reports.append(
          .object([
            ("file", .string(file)),
            ("format", .string(report.format.rawValue)),
            ("sound", .bool(report.isSound)),
            ("findings", .array(report.findings.map(FindingText.json(of:)))),
          ])
        )
      } else {
        let verdict =
          report.isSound ? Style.good("sound") : Style.bad("not sound")
        print("\(name): \(verdict)")
        for finding in report.findings {
          print("  " + Text.printable(finding.description))
        }
      }
    }
    JSONOutput.print(reports, isAsked: json)
    if !isSound { throw Exit.found }
  }
}
