internal import ArgumentParser
internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// `pth info`: what a checkpoint holds.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show a checkpoint's format, tensors and other values.",
    discussion: """
      Tensors come in the file's order, other values as a tree. On a terminal \
      long names are shortened to its width; in a pipe they are not.

      Exit code 0: done, 65: no checkpoint or a damaged one, 66: no such file.

      Examples:
        pth info hw7_21307303_liuzhuoyi.pth
        pth info --json --checksum model.safetensors
        curl -L https://example.org/model.pth | pth info -
      """
  )

  @Argument(help: "The checkpoints; - for standard input.", completion: .file())
  var files: [String]

  @Flag(help: "Print one JSON object, or a list of them for several files.")
  var json = false

  @Flag(help: "Add each tensor's SHA-256 over its elements.")
  var checksum = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    var reports: [JSONValue] = []
    for (index, file) in files.enumerated() {
      let path = try StandardInput.path(for: file)
      let checkpoint = try Checkpoint.open(path, options: limits.readOptions)
      let name = StandardInput.name(of: file)
      let checksums =
        checksum ? try Checksum.sha256(of: checkpoint, file: name) : nil
      if json {
        let report = InfoReport(checkpoint, file: file)
        reports.append(report.json(checksums: checksums))
        continue
      }
      if index > 0 { print() }
      let report = InfoReport(checkpoint, file: name)
      print(report.text(checksums: checksums), terminator: "")
      if let warning = try WrongExtension.warning(path) {
        StandardOutput.flush()
        Failure.report("warning", "\(name): \(warning)")
      }
    }
    JSONOutput.print(reports, isAsked: json)
  }
}
