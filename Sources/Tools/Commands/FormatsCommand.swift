internal import ArgumentParser
internal import PthCodec

/// `pth formats`: what can be read and written.
struct FormatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "formats",
    abstract: "List the formats and what can be done with each.",
    discussion: """
      The names are what --from and --to of `pth convert` take.

      Example: pth formats --json
      """
  )

  @Flag(help: "Print a JSON list.")
  var json = false

  func run() {
    let formats = FormatRegistry.descriptors
    guard !json else {
      return print(JSONValue.array(formats.map(json(of:))).text(indent: 2))
    }
    var table = Table(["FORMAT", "READ", "WRITE", "SUFFIXES", "WHAT IT IS"])
    for format in formats {
      table.add([
        format.id.rawValue,
        format.canRead ? "yes" : "no",
        format.canWrite ? "yes" : "no",
        format.suffixes.map { "." + $0 }.joined(separator: " "),
        format.summary,
      ])
    }
    print(table.text(leastName: 16), terminator: "")
  }

  private func json(of format: FormatDescriptor) -> JSONValue {
    .object([
      ("name", .string(format.id.rawValue)),
      ("aliases", .array(format.aliases.map { .string($0) })),
      ("read", .bool(format.canRead)),
      ("write", .bool(format.canWrite)),
      ("suffixes", .array(format.suffixes.map { .string($0) })),
      ("summary", .string(format.summary)),
    ])
  }
}
