extension Array {
  /// Reverses the elements from `start` on, where they are: a slice of an array
  /// would copy them.
  package mutating func reverse(from start: Int) {
    var (low, high) = (start, count - 1)
    while low < high {
      swapAt(low, high)
      low += 1
      high -= 1
    }
  }
}
