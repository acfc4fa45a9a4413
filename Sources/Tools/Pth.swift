import ArgumentParser

/// The tool's root command.
@main
struct Pth: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pth",
    abstract: "Reads, writes, checks and converts PyTorch checkpoints."
  )
}
