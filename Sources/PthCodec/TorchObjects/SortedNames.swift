/// Names in the order of their bytes, in which those under another follow one
/// another: `w.indices` and `w.values` under `w`.
struct SortedNames {
  private let names: [String]

  init(_ names: some Sequence<String>) {
    self.names = names.sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
  }

  /// The names that begin with a name and a dot.
  func under(_ name: String) -> ArraySlice<String> {
    guard !names.isEmpty else { return [] }
    let prefix = (name + ".").utf8
    var (start, end) = (0, names.count)
    while start < end {
      let middle = (start + end) / 2
      if names[middle].utf8.lexicographicallyPrecedes(prefix) {
        start = middle + 1
      } else {
        end = middle
      }
    }
    return names[start...].prefix { $0.utf8.starts(with: prefix) }
  }
}
