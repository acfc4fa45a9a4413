internal import ArgumentParser

/// The tool's entry point: runs a command and turns errors into exit codes.
@main
enum Main {
  static func main() async {
    Interrupt.outliveFileSizeLimit()
    do {
      var command = try PthCommand.parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      Failure.exit(with: error)
    }
  }
}

/// `pth`: the root of the subcommands.
struct PthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pth",
    abstract: "Reads, writes, checks and converts PyTorch checkpoints.",
    discussion: """
      No Python is needed. Exit codes: 0 done; 1 a check found something; 64 \
      usage; 65 bad data; 66 no such input; 73 the output can't be made; 74 \
      reading or writing failed.

      Example: pth info hw7_21307303_liuzhuoyi.pth
      """,
    version: "1.0.0",
    subcommands: [
      InfoCommand.self,
      ShowCommand.self,
      VerifyCommand.self,
      ScanCommand.self,
      SalvageCommand.self,
      CheckCommand.self,
      ConvertCommand.self,
      SanitizeCommand.self,
      DiffCommand.self,
      DisassembleCommand.self,
      ExportCommand.self,
      TrainCommand.self,
      EvalCommand.self,
      FormatsCommand.self,
    ]
  )
}
