internal import ArgumentParser
internal import PthCodec
internal import Tensors

/// `pth scan`: what would run if Python loaded a file.
struct ScanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Tell what a file would run if Python loaded it, without doing "
      + "so.",
    discussion: """
      Every pickle in the file is read: records of any name, legacy files, tars, \
      archives in archives, object arrays, what follows a pickle's end. Each \
      name that a pickle imports is safe (it builds data), unknown, or \
      dangerous (it runs code or programs, or gets at anything by its name). \
      What can't be read to its end is dangerous.

      Exit code 0: everything is safe, 1: not, 65: the file is none that could \
      hold a pickle.

      Example: pth scan model.pth --allow 'mypackage.*'
      """
  )

  @Argument(
    help: "The files or folders; - for standard input.",
    completion: .file()
  )
  var files: [String]

  @Option(
    name: .customLong("allow"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "Take names that fit as safe: 'package.module.*'.",
      valueName: "glob"
    )
  )
  var allowed: [String] = []

  @Flag(help: "Print one JSON object, or a list of them for several files.")
  var json = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    let globs = allowed.map { NameGlob($0) }
    try ScanReport.report(on: files, "scanning", json: json) {
      try FileScanner.scan(
        $0,
        options: ScanOptions(
          allowed: globs,
          reading: limits.readOptions,
          progress: $1
        )
      )
    }
  }
}
