internal import Pickle

/// The path to the node that a walk has reached, joined by dots.
///
/// Giving out a path takes constant time however deep the walk is: a very long
/// path is shown by its beginning and its end. Where very many paths are long,
/// later ones are shown by less: all of them together follow the file's size.
struct PathBuffer {
  private var bytes: [UInt8] = []
  private var isAtRoot = true

  /// What paths are given out for: each kind has a budget of its own, so that
  /// walks which differ in what they call a value agree on tensors' names.
  enum Use: Int, CaseIterable { case tensor, value }
  private var budgets: [Int]

  /// - Parameter size: The bytes of what is walked through.
  init(size: Int) {
    // Keys that people write come to less than their pickle's own size.
    let budget = 2 * min(max(0, size), Int.max / 4) + (1 << 19)
    budgets = Use.allCases.map { _ in budget }
  }

  /// A place to come back to: small, since a walk keeps one for each level.
  struct Mark {
    /// The path's bytes; -1 at the root, which has no component yet.
    fileprivate let count: Int
  }

  var mark: Mark { Mark(count: isAtRoot ? -1 : bytes.count) }

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
    bytes.removeLast(bytes.count - max(0, mark.count))
    isAtRoot = mark.count < 0
  }

  /// Gives a path out as bytes behind others.
  mutating func takeText(for use: Use, to bytes: inout [UInt8]) {
    let longest = take(for: use)
    if self.bytes.count <= longest {
      bytes += self.bytes
    } else {
      bytes += text(longest: longest).utf8
    }
  }

  /// Gives a path out.
  mutating func takeText(for use: Use) -> String {
    text(longest: take(for: use))
  }

  /// Takes a path from its budget.
  ///
  /// - Returns: The bytes past which it is shortened.
  private mutating func take(for use: Use) -> Int {
    budgets[use.rawValue] -= min(bytes.count, Self.longest)
    return budgets[use.rawValue] < 0 ? Self.shortest : Self.longest
  }

  /// The path as text, shortened in the middle past some thousand bytes.
  var text: String { text(longest: Self.longest) }

  private func text(longest: Int) -> String {
    guard bytes.count > longest else {
      return String(decoding: bytes, as: UTF8.self)
    }
    let half = longest / 2
    return String(decoding: bytes.prefix(half), as: UTF8.self)
      // In ASCII: other text is slow to hash and to compare.
      + "...(\(bytes.count - 2 * half) bytes)..."
      + String(decoding: bytes.suffix(half), as: UTF8.self)
  }

  private static let longest = 1024
  private static let shortest = 80
}

extension PickleGraph {
  /// About the bytes that the graph takes as a pickle, for budgets; also where
  /// it was not decoded from one.
  var walkedSize: Int {
    let (nodes, overflow) = nodeCount.multipliedReportingOverflow(by: 8)
    return max(0, endOffset).addingReportingOverflow(overflow ? 0 : nodes)
      .partialValue
  }
}
