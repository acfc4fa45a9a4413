internal import Tensors

/// The members of a tar archive, as Python's tarfile finds them.
struct TarMembers {
  /// One member.
  struct Member {
    let name: String
    /// Where its content lies in the archive.
    let range: Range<Int>
  }

  /// Why the archive can't be read to its end.
  private(set) var fault: Finding?

  private let target: ScanTarget
  private var offset = 0

  init(_ target: ScanTarget) {
    self.target = target
  }

  /// Whether a first block is a tar header: its checksum tells.
  static func recognizes(_ block: [UInt8]) -> Bool {
    block.first != 0 && TarHeader(block) != nil
  }

  /// The next member that is a file.
  mutating func next() throws -> Member? {
    while offset + TarHeader.blockSize <= target.count {
      let start = offset
      let content = start + TarHeader.blockSize
      let block = try unsafe target.withUnsafeBytes {
        unsafe Array($0[start..<content])
      }
      // Two empty blocks end the archive; readers stop at one.
      guard block[0] != 0 else { return nil }
      guard let header = TarHeader(block), let size = header.size else {
        fault = Finding(
          .error,
          "bad-tar-header",
          offset: start,
          "the tar header has a wrong checksum or size"
        )
        return nil
      }
      guard size <= target.count - content else {
        fault = Finding(
          .error,
          "truncated",
          offset: start,
          "a tar member claims \(size) bytes, \(target.count - content) follow"
        )
        return nil
      }
      offset = content + TarHeader.padded(size)
      guard header.type == .file else { continue }
      return Member(name: header.name, range: content..<content + size)
    }
    return nil
  }
}
