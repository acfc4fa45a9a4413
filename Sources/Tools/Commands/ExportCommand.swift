internal import ArgumentParser
internal import ConvNet
internal import PthCodec
internal import Tensors

/// `pth export`: a checkpoint as the course wants it handed in.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Check a checkpoint against MyConvNet and write hw7_ID_NAME.pth.",
    discussion: """
      A Chinese name is turned into pinyin without tones. A file that is there \
      already is replaced.

      Exit code 0: done, 64: an id or a name that can't be in the file's name, \
      65: no MyConvNet, with every key that does not fit.

      Example: pth export trained.pth --student-id 21307303 --name 刘卓逸
      """
  )

  @Argument(
    help: "Any checkpoint that holds MyConvNet's state dict.",
    completion: .file()
  )
  var input: String

  @OptionGroup var homework: HomeworkOptions

  @Option(
    help: ArgumentHelp(
      "The folder to write into.",
      valueName: "folder"
    ),
    completion: .directory
  )
  var output = "."

  @Option(help: "The records to write: torch1 or torch2.")
  var layout: TorchLayout = .torch2

  func run() throws {
    let name = try homework.fileName()
    let model = try ModelFile.model(input)
    let path = output.hasSuffix("/") ? output + name : output + "/" + name
    // The path as typed reads better without the folder one is in.
    let target = output == "." ? name : path
    try Checkpoint(model.stateDict()).save(
      to: target,
      as: .pytorchZip,
      options: WriteOptions(layout: layout)
    )
    print(target)
  }
}
