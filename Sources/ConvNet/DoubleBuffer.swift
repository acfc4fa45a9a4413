/// Zeroed doubles of its own, aligned to a cache line.
@safe
final class DoubleBuffer: @unchecked Sendable {
  let count: Int
  private let base: UnsafeMutablePointer<Double>

  init(count: Int) {
    self.count = count
    let bytes = (count + 8) * MemoryLayout<Double>.stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    unsafe raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    unsafe base = raw.bindMemory(to: Double.self, capacity: count + 8)
  }

  deinit {
    unsafe UnsafeMutableRawPointer(base).deallocate()
  }

  /// The doubles from `start` on.
  func at(_ start: Int) -> UnsafeMutablePointer<Double> {
    unsafe base + start
  }

  /// Sets a part to zero.
  @inline(__always)
  func clear(_ start: Int, _ count: Int) {
    unsafe (base + start).update(repeating: 0, count: count)
  }

  /// The sum over `parts` rows of `width` of the value at `index`, in order.
  @inline(__always)
  func total(_ index: Int, parts: Int, width: Int) -> Double {
    var sum = 0.0
    for part in 0..<parts { sum += unsafe base[part * width + index] }
    return sum
  }
}
