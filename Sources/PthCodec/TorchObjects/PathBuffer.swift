/// The path to the node that a walk has reached, joined by dots.
///
/// Giving out a path takes constant time however deep the walk is: a very long
/// path is shown by its beginning and its end.
struct PathBuffer {
  private var bytes: [UInt8] = []
  private var isAtRoot = true

  /// A place to come back to.
  struct Mark {
    fileprivate let count: Int
    fileprivate let isAtRoot: Bool
  }

  var mark: Mark { Mark(count: bytes.count, isAtRoot: isAtRoot) }

  mutating func append(_ component: String) {
    if !isAtRoot { bytes.append(UInt8(ascii: ".")) }
    bytes.append(contentsOf: component.utf8)
    isAtRoot = false
  }

  /// Appends a component in UTF-8.
  mutating func append(_ component: UnsafeRawBufferPointer) {
    if !isAtRoot { bytes.append(UInt8(ascii: ".")) }
    unsafe bytes.append(contentsOf: component)
    isAtRoot = false
  }

  mutating func append(_ index: Int) {
    append(String(index))
  }

  mutating func reset(to mark: Mark) {
    bytes.removeLast(bytes.count - mark.count)
    isAtRoot = mark.isAtRoot
  }

  /// Appends the bytes of ``text``.
  func appendText(to bytes: inout [UInt8]) {
    if self.bytes.count <= Self.longest {
      bytes += self.bytes
    } else {
      bytes += text.utf8
    }
  }

  /// The path as text, shortened in the middle past some thousand bytes.
  var text: String {
    guard bytes.count > Self.longest else {
      return String(decoding: bytes, as: UTF8.self)
    }
    let half = Self.longest / 2
    return String(decoding: bytes.prefix(half), as: UTF8.self)
      + "…(\(bytes.count - 2 * half) bytes)…"
      + String(decoding: bytes.suffix(half), as: UTF8.self)
  }

  private static let longest = 1024
}
