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

      Example: pth verify hw7_21307303_liuzhuoyi.pth --finite
      """
  )

  @Argument(help: "The files or folders.")
  var files: [String]

  @Flag(help: "Look for NaN and infinite elements too.")
  var finite = false

  @Flag(help: "Print one JSON object, or a list of them for several files.")
  var json = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    let options = VerifyOptions(
      checksFinite: finite,
      reading: limits.readOptions
    )
    var reports: [JSONValue] = []
    var isSound = true
    for file in files {
      let report = try FileVerifier.verify(file, options: options)
      isSound = isSound && report.isSound
      if json {
        reports.append(
          .object([
            ("file", .string(report.file)),
            ("format", .string(report.format.rawValue)),
            ("sound", .bool(report.isSound)),
            ("findings", .array(report.findings.map(FindingText.json(of:)))),
          ])
        )
      } else {
        let name = Text.printable(file)
        print("\(name): \(report.isSound ? "sound" : "not sound")")
        for finding in report.findings {
          print("  " + Text.printable(finding.description))
        }
      }
    }
    if json {
      print(
        reports.count == 1
          ? reports[0].text(indent: 2)
          : JSONValue.array(reports).text(indent: 2)
      )
    }
    if !isSound { throw Exit.found }
  }
}
