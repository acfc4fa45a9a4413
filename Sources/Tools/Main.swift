internal import ArgumentParser
internal import CKernels
internal import Foundation
internal import Synchronization
internal import Tensors

/// The tool's entry point: runs a command and turns errors into exit codes.
@main
enum Main {
  static func main() async {
    pth_give_back_large_blocks()
    Interrupt.outliveFileSizeLimit()
    ShortenedFile.endProcess(
      prefix: "pth: error: ",
      status: Exit.ioFailure.rawValue
    )
    do {
      try checkCommand()
      var command = try PthCommand.parsed()
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

extension Main {
  /// Answers a word that is no command, which the parser would call an
  /// unexpected argument.
  ///
  /// - Throws: ``Failure`` with the nearest command.
  private static func checkCommand() throws {
    var words = CommandLine.arguments.dropFirst()
    if words.first == "help" { words.removeFirst() }
    guard let word = words.first, !word.hasPrefix("-") else { return }
    var commands = ["help"]
    for command in PthCommand.configuration.subcommands {
      commands += [command.configuration.commandName].compactMap { $0 }
    }
    guard !commands.contains(word) else { return }
    let hint =
      if FileManager.default.fileExists(atPath: word) {
        "`pth info \(word)` shows what is in the file"
      } else if let nearest = NameDistance.nearest(to: word, in: commands) {
        "did you mean `pth \(nearest)`?"
      } else {
        "`pth help` lists them"
      }
    throw Failure(Exit.usage, "there is no command \"\(word)\"; \(hint)")
  }
}

/// `pth`: the root of the subcommands.
struct PthCommand: ParsableCommand {
  static var configuration: CommandConfiguration {
    var configuration = fullConfiguration
    if skipsCompletions.load(ordering: .relaxed) {
      configuration._superCommandName = ""
    }
    return configuration
  }

  private static let skipsCompletions = Atomic(false)

  /// The command that the arguments name.
  ///
  /// The parser first sets up two commands to see whether a script of
  /// completions is asked for: a seventh of the time that `pth info` takes. It
  /// leaves that out for a command within another one, which this pretends to
  /// be until help or a message is made.
  ///
  /// - Throws: What the parser finds wrong, and requests for help.
  static func parsed() throws -> any ParsableCommand {
    let wantsScript = CommandLine.arguments.contains {
      $0.hasPrefix("--generate-completion-script")
    }
    skipsCompletions.store(!wantsScript, ordering: .relaxed)
    defer { skipsCompletions.store(false, ordering: .relaxed) }
    return try parseAsRoot()
  }

  private static let fullConfiguration = CommandConfiguration(
    commandName: "pth",
    abstract: "Reads, writes, checks and converts PyTorch checkpoints.",
    discussion: """
      No Python is needed, and nothing in a pickle is ever run. `pth help \
      COMMAND` tells a command's options; a file named - is standard input.

      Exit codes: 0 done; 1 a check found something; 64 usage; 65 bad data; 66 \
      no such input; 73 the output can't be made; 74 reading or writing \
      failed; 130 Ctrl-C.

      Examples:
        pth info hw7_21307303_liuzhuoyi.pth
        pth convert model.pth model.safetensors
        pth train data --student-id 21307303 --name 刘卓逸
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
