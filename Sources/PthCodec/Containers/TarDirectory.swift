internal import Tensors

/// The files in a tar archive: names and the places of their bytes.
///
/// Source: POSIX.1-2001 `pax`, sections "ustar Interchange Format" and "pax
/// Interchange Format".
struct TarDirectory {
  /// The files' places, by name.
  private(set) var members: [String: Range<Int>] = [:]

  private let file: MappedFile

  /// Whether a first block is a tar header of a file called one of `names`.
  static func begins(_ head: [UInt8], with names: [String]) -> Bool {
    guard let header = TarHeader(head) else { return false }
    return header.isPax || names.contains(normalized(header.name))
  }

  /// Reads all headers.
  ///
  /// - Throws: ``CheckpointError`` for a damaged header, a member past the
  ///   file's end, and a name that is there twice.
  init(_ file: MappedFile) throws(CheckpointError) {
    self.file = file
    guard let end = try readHeaders() else { return }
    throw fault("the file ends before its tar archive does", end)
  }

  /// Whether members of these names are there and whole, and only the empty
  /// blocks that end an archive are missing: Python does without them.
  static func lacksOnlyItsEnd(_ file: MappedFile, with names: [String]) -> Bool
  {
    var directory = TarDirectory(unread: file)
    guard let end = try? directory.readHeaders() else { return false }
    return end <= file.count
      && names.allSatisfy { directory.members[$0] != nil }
  }

  private init(unread file: MappedFile) {
    self.file = file
  }

  /// Reads the headers up to an empty block.
  ///
  /// - Returns: Where the file ends instead; nil where it does not.
  private mutating func readHeaders() throws(CheckpointError) -> Int? {
    var position = 0
    var extra = PaxRecords()
    while let block = block(at: position) {
      if block.allSatisfy({ $0 == 0 }) { return nil }
      guard let header = TarHeader(block) else {
        throw fault("a tar header's checksum is wrong", position)
      }
      let start = position + TarHeader.blockSize
      let size = extra.size ?? header.size
      guard let size, size <= file.count - start else {
        throw fault(
          "the member \(header.name) claims \(size.map { "\($0)" } ?? "no") "
            + "bytes, but \(max(0, file.count - start)) are left",
          position
        )
      }
      let range = start..<start + size
      switch header.type {
      case .pax:
        extra = try PaxRecords(bytes(range), at: start, in: file.path)
      case .file:
        let name = Self.normalized(extra.path ?? header.name)
        guard members.updateValue(range, forKey: name) == nil else {
          throw fault("the member \(name) is there twice", position)
        }
        extra = PaxRecords()
      case .other:
        extra = PaxRecords()
      }
      position = start + TarHeader.padded(size)
    }
    return position
  }

  /// The bytes of a member.
  ///
  /// - Throws: ``CheckpointError`` where there is none of this name.
  func storage(_ name: String) throws -> Storage {
    guard let range = members[name] else {
      throw CheckpointError(
        .damaged,
        "the tar archive has no member \(name)",
        file: file.path
      )
    }
    return try Storage(mapping: file, range: range)
  }

  private func block(at position: Int) -> [UInt8]? {
    guard position <= file.count - TarHeader.blockSize else { return nil }
    return bytes(position..<position + TarHeader.blockSize)
  }

  private func bytes(_ range: Range<Int>) -> [UInt8] {
    unsafe file.withUnsafeBytes { unsafe Array($0[range]) }
  }

  private static func normalized(_ name: String) -> String {
    name.hasPrefix("./") ? String(name.dropFirst(2)) : name
  }

  private func fault(_ message: String, _ offset: Int) -> CheckpointError {
    CheckpointError(
      .damaged,
      message,
      file: file.path,
      offset: offset,
      hint: "the file was cut or changed; get it again"
    )
  }
}

/// The records of a pax header that matter here: `length key=value`.
private struct PaxRecords {
  var path: String?
  var size: Int?

  init() {}

  init(
    _ bytes: [UInt8],
    at start: Int,
    in file: String
  ) throws(CheckpointError) {
    var rest = bytes[...]
    while !rest.isEmpty, rest.first != 0 {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard let length = Int(String(decoding: digits, as: UTF8.self)),
        length > digits.count + 1, length <= rest.count
      else {
        throw CheckpointError(
          .damaged,
          "a record of a pax header has a wrong length",
          file: file,
          offset: start + rest.startIndex
        )
      }
      // Without the length's blank and the newline at the end.
      let record = rest.prefix(length).dropFirst(digits.count + 1).dropLast()
      let parts = record.split(
        separator: UInt8(ascii: "="),
        maxSplits: 1,
        omittingEmptySubsequences: false
      )
      if parts.count == 2 {
        let value = String(decoding: parts[1], as: UTF8.self)
        if parts[0].elementsEqual("path".utf8) { path = value }
        if parts[0].elementsEqual("size".utf8) {
          size = Int(value).flatMap { $0 >= 0 ? $0 : nil }
        }
      }
      rest = rest.dropFirst(length)
    }
  }
}
