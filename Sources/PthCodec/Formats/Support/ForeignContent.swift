internal import Tensors

/// What a file is that is none of the known formats, and what to do about it.
///
/// Told by the content, as the name is what misled.
struct ForeignContent {
  /// What the file is: `it is a web page`.
  let message: String

  /// What to do.
  let hint: String

  /// The error for a file that no reader takes.
  static func error(for input: CheckpointInput) -> CheckpointError {
    ForeignContent(input).error(file: input.path)
  }

  /// The error that says it.
  func error(file: String? = nil) -> CheckpointError {
    CheckpointError(.unknownFormat, message, file: file, hint: hint)
  }

  private init(_ message: String, _ hint: String) {
    self.message = message
    self.hint = hint
  }

  private init(_ input: CheckpointInput) {
    self =
      Self.folder(input) ?? Self.nothing(input) ?? Self.signature(input.head)
      ?? Self.archive(input) ?? Self.cutSafetensors(input)
      ?? Self.pickle(input.head) ?? Self.tensorFlow(input)
      ?? Self.text(input.head)
      ?? ForeignContent(
        "it is none of the known formats",
        "`pth formats` lists what can be read"
      )
  }

  private static func folder(_ input: CheckpointInput) -> ForeignContent? {
    guard input.file == nil else { return nil }
    let names = (try? FolderList.files(input.path)) ?? []
    if names.contains("saved_model.pb") {
      return ForeignContent(
        "it is a folder with a SavedModel of TensorFlow",
        "save its weights from TensorFlow, with numpy.savez for example"
      )
    }
    let suffixes = FormatRegistry.descriptors.flatMap(\.suffixes)
    let readable = names.filter { name in
      suffixes.contains { name.lowercased().hasSuffix("." + $0) }
    }
    guard let first = readable.first else {
      return ForeignContent(
        "it is a folder without a checkpoint's files",
        "name a file; `pth formats` lists what can be read"
      )
    }
    let rest = readable.count - 1
    return ForeignContent(
      "it is a folder, not a file",
      "name a file in it: \(first)" + (rest > 0 ? ", or \(rest) more" : "")
    )
  }

  private static func nothing(_ input: CheckpointInput) -> ForeignContent? {
    if input.head.isEmpty {
      return ForeignContent(
        "the file is empty",
        "it was never written or its download failed; get it again"
      )
    }
    guard input.head.allSatisfy({ $0 == 0 }) else { return nil }
    return ForeignContent(
      "the file begins with \(input.head.count) zeros",
      "its copy or download was interrupted; get it again"
    )
  }

  private static func signature(_ head: [UInt8]) -> ForeignContent? {
    for (bytes, offset, name, hint) in signatures
    where head.dropFirst(offset).starts(with: bytes) {
      return ForeignContent("it is \(name)", hint)
    }
    return nil
  }

  /// What a gzip file is that holds no IDX.
  static let gzip = ForeignContent(
    "it is compressed by gzip, and holds no IDX",
    "unpack it first: gunzip -c FILE > model.pth"
  )

  private static let keras =
    "save the weights from Keras with numpy.savez or as safetensors"
  private static let get = "get the checkpoint itself"

  private static let signatures:
    [(bytes: [UInt8], offset: Int, name: String, hint: String)] = [
      (
        Array("BZh".utf8), 0, "compressed by bzip2",
        "unpack it first: bunzip2 -c FILE > model.pth"
      ),
      (
        [0xfd] + Array("7zXZ".utf8), 0, "compressed by xz",
        "unpack it first: xz -dc FILE > model.pth"
      ),
      (
        [0x28, 0xb5, 0x2f, 0xfd], 0, "compressed by zstd",
        "unpack it first: zstd -dc FILE > model.pth"
      ),
      (Array("7z".utf8) + [0xbc, 0xaf], 0, "a 7z archive", "unpack it first"),
      (Array("Rar!".utf8), 0, "a RAR archive", "unpack it first"),
      ([0x89] + Array("HDF\r\n".utf8), 0, "an HDF5 file, as of Keras", keras),
      (Array("TFL3".utf8), 4, "a TensorFlow Lite model", keras),
      (
        Array("ustar".utf8), 257, "a tar archive",
        "unpack it with `tar xf`, then name the checkpoint in it"
      ),
      ([0x89] + Array("PNG".utf8), 0, "a PNG picture", get),
      ([0xff, 0xd8, 0xff], 0, "a JPEG picture", get),
      (Array("%PDF".utf8), 0, "a PDF document", get),
      ([0x7f] + Array("ELF".utf8), 0, "a program", get),
    ]

  /// A zip archive that no format has taken.
  private static func archive(_ input: CheckpointInput) -> ForeignContent? {
    guard input.head.starts(with: Array("PK".utf8)), let file = input.file
    else { return nil }
    guard let directory = try? ZipDirectory(file) else {
      return ForeignContent(
        "it is a zip archive that can't be read",
        "`pth verify` tells what is wrong, `pth salvage` keeps what is whole"
      )
    }
    let names = directory.records.prefix(1000).compactMap {
      directory.name(of: $0)
    }
    if names.contains("config.json"), names.contains("model.weights.h5") {
      return ForeignContent("it is a Keras model, not a checkpoint", keras)
    }
    let inner = names.first { name in
      FormatRegistry.descriptors.contains { format in
        format.suffixes.contains { name.lowercased().hasSuffix("." + $0) }
      }
    }
    return ForeignContent(
      names.isEmpty
        ? "it is an empty zip archive"
        : "it is a zip archive without a checkpoint's data.pkl",
      inner.map { "unpack it with `unzip`: it holds \($0)" }
        ?? "`unzip -l` lists what is in it"
    )
  }

  private static func cutSafetensors(
    _ input: CheckpointInput
  ) -> ForeignContent? {
    let head = input.head
    guard head.count > 9, head[8] == UInt8(ascii: "{"), let file = input.file,
      let size = SafetensorsHeader.size(in: head), size > file.count,
      size < 1 << 40
    else { return nil }
    return ForeignContent(
      "it begins as safetensors do, with a header of \(size) bytes, but the "
        + "file has \(file.count)",
      "its copy or download was interrupted; get it again"
    )
  }

  private static func pickle(_ head: [UInt8]) -> ForeignContent? {
    let isBinary = head.count > 1 && head[0] == 0x80 && (2...5) ~= head[1]
    let isText = ["(dp", "(lp", "(i", "ccopy_reg\n", "c__builtin__\n"]
      .contains { head.starts(with: $0.utf8) }
    guard isBinary || isText else { return nil }
    return ForeignContent(
      "it is a Python pickle, but none that torch.save wrote",
      "`pth disassemble` shows it, `pth scan` tells what loading it would run; "
        + "save its tensors with torch.save"
    )
  }

  private static func tensorFlow(_ input: CheckpointInput) -> ForeignContent? {
    // The last bytes of TensorFlow's table files.
    let mark: [UInt8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
    let isIndex =
      input.file.map { file in
        unsafe file.withUnsafeBytes { unsafe $0.suffix(8).elementsEqual(mark) }
      } ?? false
    guard
      isIndex || input.fileName.contains(".data-0000")
        || input.head.starts(with: "model_checkpoint_path:".utf8)
    else { return nil }
    return ForeignContent(
      "it is a part of a TensorFlow checkpoint",
      "save its variables from TensorFlow, with numpy.savez for example"
    )
  }

  private static func text(_ head: [UInt8]) -> ForeignContent? {
    var bytes = head[...]
    // The head may end inside a character.
    while bytes.count > 500, bytes.last.map({ $0 & 0xc0 == 0x80 }) == true {
      bytes.removeLast()
    }
    if bytes.last.map({ $0 >= 0xc0 }) == true { bytes.removeLast() }
    guard bytes.allSatisfy({ $0 >= 0x20 || (9...13) ~= $0 }),
      let text = String(validating: bytes, as: UTF8.self)
    else { return nil }
    let start = text.drop { $0.isWhitespace || $0 == "\u{feff}" }
    if start.hasPrefix("version https://git-lfs") {
      return ForeignContent(
        "it is a pointer of Git LFS, not the file itself",
        "`git lfs pull` fetches the file"
      )
    }
    let beginning = start.prefix(60).lowercased()
    if beginning.hasPrefix("<!doctype html") || beginning.hasPrefix("<html") {
      return ForeignContent(
        "it is a web page, not a checkpoint",
        "the link led to the page around the file; use its download link"
      )
    }
    if beginning.hasPrefix("<?xml") || beginning.hasPrefix("<error") {
      return ForeignContent(
        "it is XML, not a checkpoint",
        "a server answers so when it refuses a download; look into the file"
      )
    }
    let isJSON = beginning.hasPrefix("{") || beginning.hasPrefix("[")
    let line = start.prefix { !$0.isNewline }.prefix(40)
    return ForeignContent(
      isJSON
        ? "it is JSON, not a checkpoint"
        : "it is text, which begins with \"\(line)\", not a checkpoint",
      "`pth formats` lists what can be read"
    )
  }
}
