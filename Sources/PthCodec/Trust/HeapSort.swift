/// Sorts by a heap, as miniz does: what is equal comes out in the order that
/// this very way of sorting gives, which readers of an archive depend on.
enum HeapSort {
  /// Sorts items in place.
  ///
  /// - Parameters:
  ///   - items: What is sorted.
  ///   - precedes: Whether the first comes before the second.
  static func sort(
    _ items: inout [Int],
    by precedes: (Int, Int) -> Bool
  ) {
    for root in items.indices.prefix(items.count / 2).reversed() {
      sink(root, of: items.count, &items, precedes)
    }
    for last in items.indices.dropFirst().reversed() {
      items.swapAt(0, last)
      sink(0, of: last, &items, precedes)
    }
  }

  /// Lets an item sink below the larger of its children.
  private static func sink(
    _ start: Int,
    of count: Int,
    _ items: inout [Int],
    _ precedes: (Int, Int) -> Bool
  ) {
    var root = start
    while 2 * root + 1 < count {
      var child = 2 * root + 1
      if child + 1 < count, precedes(items[child], items[child + 1]) {
        child += 1
      }
      guard precedes(items[root], items[child]) else { return }
      items.swapAt(root, child)
      root = child
    }
  }
}
