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
    try VerifyReport.report(on: files, "checking", json: json) {
      try FileVerifier.verify(
        $0,
        options: VerifyOptions(
          checksFinite: finite,
          reading: limits.readOptions,
          progress: $1
        )
      )
    }
  }
}
