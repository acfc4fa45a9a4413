internal import ArgumentParser
internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// `pth info`: what a checkpoint holds.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show a checkpoint's format, tensors and other values.",
    discussion: "Example: pth info hw7_21307303_liuzhuoyi.pth --json"
  )

  @Argument(help: "The checkpoints.")
  var files: [String]

  @Flag(help: "Print one JSON object, or a list of them for several files.")
  var json = false

  @Flag(help: "Add each tensor's SHA-256 over its elements.")
  var checksum = false

  func validate() throws {
    guard !files.isEmpty else {
      throw ValidationError("Name at least one file.")
    }
  }

  func run() throws {
    var reports: [JSONValue] = []
    for (index, file) in files.enumerated() {
      let checkpoint = try Checkpoint.open(file)
      let report = InfoReport(checkpoint, file: file)
      if json {
        reports.append(try report.json(withChecksum: checksum))
      } else {
        if index > 0 { print() }
        print(try report.text(withChecksum: checksum), terminator: "")
      }
    }
    if json {
      print(
        reports.count == 1
          ? reports[0].text(indent: 2)
          : JSONValue.array(reports).text(indent: 2)
      )
    }
  }
}
