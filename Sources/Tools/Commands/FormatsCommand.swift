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
    print(text(of: formats, fitting: Terminal.width), terminator: "")
  }

  /// A table; where that is too wide, with each summary on a line of its own.
  private func text(
    of formats: [FormatDescriptor],
    fitting limit: Int?
  ) -> String {
    var table = Table(["FORMAT", "READ", "WRITE", "SUFFIXES"])
    var wide = Table(["FORMAT", "READ", "WRITE", "SUFFIXES", "WHAT IT IS"])
    for format in formats {
      let cells = [
        format.id.rawValue,
        format.canRead ? "yes" : "no",
        format.canWrite ? "yes" : "no",
        format.suffixes.map { "." + $0 }.joined(separator: " "),
      ]
      table.add(cells)
      wide.add(cells + [format.summary])
    }
    let lines = wide.text(fitting: nil).split(separator: "\n")
    guard let limit,
      lines.dropFirst().contains(where: {
        TextWidth.columns(of: String($0)) > limit
      })
    else { return lines.joined(separator: "\n") + "\n" }
    let rows = table.text(fitting: limit, leastName: 16)
      .split(separator: "\n").map(String.init)
    let summaries = formats.map {
      "\n" + TextWidth.shortened("    " + $0.summary, to: limit)
    }
    return zip(rows, [""] + summaries).map { $0 + $1 + "\n" }.joined()
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
