internal import ArgumentParser
internal import Pickle
internal import PthCodec
internal import Tensors

/// `pth disassemble`: a pickle's opcodes.
struct DisassembleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disassemble",
    abstract: "Print a pickle's opcodes, as `python -m pickletools` does.",
    discussion: """
      Of a PyTorch archive the record data.pkl is shown, or another one by its \
      name inside the archive's folder; of a file of torch before 1.6 all five \
      pickles; of any other file the pickle that it begins with. Nothing in \
      the pickle is run.

      Exit code 0: done, 65: no pickle or a damaged one, which is shown as far \
      as it goes, 66: no such file.

      Examples:
        pth disassemble hw7_21307303_liuzhuoyi.pth | less
        pth disassemble script.pt --record constants.pkl
      """
  )

  @Argument(
    help: "A checkpoint or a bare pickle; - for standard input.",
    completion: .file()
  )
  var file: String

  @Option(
    help: ArgumentHelp(
      "The archive's record: data.pkl, constants.pkl, …",
      valueName: "name"
    )
  )
  var record: String?

  @OptionGroup(title: "Limits")
  var limits: InflationOptions

  func run() throws {
    let mapped = try MappedFile.open(StandardInput.path(for: file))
    let head = unsafe mapped.withUnsafeBytes { unsafe Array($0.prefix(64)) }
    if Zip.recognizes(head) {
      let name = record ?? "data.pkl"
      var options = ReadOptions()
      limits.apply(to: &options)
      let archive = try ArchiveReader(mapped, limits: options.archiveLimits)
      let storage = try archive.storage(forRecord: name)
      return try show(storage, count: 1, record: name)
    }
    if let record {
      throw Failure(
        Exit.badData,
        "\(file): it is no archive, so it has no record \(record)"
      )
    }
    let isLegacy = LegacyFile.recognizes(head)
    let whole = try Storage(mapping: mapped, range: 0..<mapped.count)
    try show(whole, count: isLegacy ? LegacyFile.pickleCount : 1, record: nil)
  }

  private func show(
    _ storage: Storage,
    count: Int,
    record: String?
  ) throws {
    let bytes = try unsafe storage.unsafeBytes()
    let source = unsafe PickleSource(unsafeBytes: bytes, owner: storage)
    var output = BufferedOutput()
    var offset = 0
    do {
      for _ in 0..<count {
        offset = try Disassembler.disassemble(source, at: offset, to: &output)
      }
      output.flush()
    } catch {
      output.flush()
      throw CheckpointError(
        .damaged,
        error.message,
        file: file,
        record: record,
        offset: error.offset
      )
    }
  }
}

/// Standard output, in pieces.
private struct BufferedOutput: TextOutputStream {
  private var text = ""

  mutating func write(_ string: String) {
    text += string
    if text.utf8.count > 1 << 16 { flush() }
  }

  mutating func flush() {
    print(text, terminator: "")
    text = ""
  }
}
