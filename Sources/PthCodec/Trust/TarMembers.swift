internal import Pickle
internal import Tensors

/// The members of a tar archive, as Python's tarfile finds them.
struct TarMembers {
  /// One member.
  struct Member {
    let name: String
    /// Where its content lies in the archive.
    let range: Range<Int>
  }

  private static let blockSize = 512

  /// Why the archive can't be read to its end.
  private(set) var fault: Finding?

  private let target: ScanTarget
  private var offset = 0

  init(_ target: ScanTarget) {
    self.target = target
  }

  /// Whether a first block is a tar header: its checksum tells.
  static func recognizes(_ block: [UInt8]) -> Bool {
    guard block.count == blockSize, block[0] != 0 else { return false }
    return number(block[148..<156]) == checksum(block)
  }

  /// The next member that is a file.
  mutating func next() throws -> Member? {
    while offset + Self.blockSize <= target.count {
      let start = offset
      let block = try unsafe target.withUnsafeBytes {
        unsafe Array($0[start..<start + Self.blockSize])
      }
      // Two empty blocks end the archive; readers stop at one.
      guard block[0] != 0 else { return nil }
      guard Self.number(block[148..<156]) == Self.checksum(block),
        let size = Self.number(block[124..<136])
      else {
        fault = Finding(
          .error,
          "bad-tar-header",
          offset: start,
          "the tar header has a wrong checksum or size"
        )
        return nil
      }
      let content = start + Self.blockSize
      guard size <= target.count - content else {
        fault = Finding(
          .error,
          "truncated",
          offset: start,
          "a tar member claims \(size) bytes, \(target.count - content) follow"
        )
        return nil
      }
      let padded = (size + Self.blockSize - 1) / Self.blockSize
      offset = content + padded * Self.blockSize
      let type = block[156]
      guard type == 0 || type == UInt8(ascii: "0") else { continue }
      let name = block[0..<100].prefix { $0 != 0 }
      return Member(
        name: String(decoding: name, as: UTF8.self),
        range: content..<content + size
      )
    }
    return nil
  }

  /// An octal number, or a binary one where the first bit is set.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if field.first == 0x80 {
      var value = 0
      for byte in field.dropFirst() {
        let (shifted, overflow) = value.multipliedReportingOverflow(by: 256)
        guard !overflow else { return nil }
        value = shifted | Int(byte)
      }
      return value
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    guard !digits.isEmpty else { return 0 }
    return Int(String(decoding: digits, as: UTF8.self), radix: 8)
      .flatMap { $0 < 0 ? nil : $0 }
  }

  /// The sum of all bytes, those of the sum itself taken as blanks.
  private static func checksum(_ block: [UInt8]) -> Int {
    block.enumerated().reduce(0) { sum, item in
      sum + (148..<156 ~= item.offset ? 0x20 : Int(item.element))
    }
  }
}
