internal import Tensors

/// The files in a tar archive: names and the places of their bytes.
///
/// Source: POSIX.1-2001 `pax`, sections "ustar Interchange Format" and "pax
/// Interchange Format".
struct TarDirectory {
  /// The files' places, by name.
  private(set) var members: [String: Range<Int>] = [:]

  private let file: MappedFile

  private static let blockSize = 512

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
      let start = position + Self.blockSize
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
      let rest = size % Self.blockSize
      position = range.upperBound + (rest == 0 ? 0 : Self.blockSize - rest)
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
    guard position <= file.count - Self.blockSize else { return nil }
    return bytes(position..<position + Self.blockSize)
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

/// One header of 512 bytes.
private struct TarHeader {
  enum MemberType { case file, pax, other }

  let name: String
  let type: MemberType
  /// Nil for a number that can't be one.
  let size: Int?

  var isPax: Bool { if case .pax = type { true } else { false } }

  /// Nil where the checksum is wrong.
  init?(_ block: [UInt8]) {
    guard block.count >= 512 else { return nil }
    // The checksum counts its own field as spaces.
    let sum = block[..<512].enumerated().reduce(0) { sum, byte in
      sum + ((148..<156).contains(byte.offset) ? 0x20 : Int(byte.element))
    }
    guard Self.number(block[148..<156]) == sum else { return nil }
    let base = Self.text(block[0..<100])
    let isUstar = block[257..<262].elementsEqual("ustar".utf8)
    let prefix = isUstar ? Self.text(block[345..<500]) : ""
    name = prefix.isEmpty ? base : prefix + "/" + base
    size = Self.number(block[124..<136])
    switch block[156] {
    case UInt8(ascii: "0"), 0: type = .file
    case UInt8(ascii: "x"): type = .pax
    default: type = .other
    }
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Octal digits, or a large number in base 256 behind a set bit.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { return nil }
      var value = 0
      for byte in field.dropFirst() {
        guard value <= Int.max >> 8 else { return nil }
        value = value << 8 | Int(byte)
      }
      return value
    }
    let digits = field.drop { $0 == 0x20 }.prefix {
      $0 != 0 && $0 != 0x20
    }
    guard digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
    return digits.isEmpty
      ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
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
