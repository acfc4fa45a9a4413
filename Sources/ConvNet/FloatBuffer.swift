/// Zeroed floats of its own, aligned to a cache line.
@safe
final class FloatBuffer: @unchecked Sendable {
  let count: Int
  let base: UnsafeMutablePointer<Float>

  /// - Parameter count: The floats; one cache line more is reserved.
  init(count: Int) {
    self.count = count
    let bytes = (count + 16) * MemoryLayout<Float>.stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    unsafe raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    unsafe base = raw.bindMemory(to: Float.self, capacity: count + 16)
  }

  /// Copies an array's elements.
  convenience init(of values: [Float]) {
    self.init(count: values.count)
    write(values)
  }

  deinit {
    unsafe UnsafeMutableRawPointer(base).deallocate()
  }

  /// The floats from `start` on.
  func at(_ start: Int) -> UnsafeMutablePointer<Float> {
    unsafe base + start
  }

  /// A copy of a part as an array.
  func array(_ range: Range<Int>) -> [Float] {
    unsafe Array(
      UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    )
  }

  /// Writes an array's elements from `start` on.
  func write(_ values: [Float], at start: Int = 0) {
    unsafe values.withUnsafeBufferPointer { source in
      guard let first = source.baseAddress else { return }
      unsafe (base + start).update(from: first, count: source.count)
    }
  }
}
