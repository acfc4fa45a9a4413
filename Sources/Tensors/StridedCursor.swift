/// Walks strided elements in row-major order, as many bytes at a time as
/// the caller has room for.
struct StridedCursor {
  private let sizes: [Int]
  private let strides: [Int]
  private let itemSize: Int
  private var indices: [Int]
  private var position: Int

  /// Starts at the first element of a layout that lies in its storage.
  init(layout: Layout, itemSize: Int) {
    // Dimensions that continue one another are walked as one.
    var sizes: [Int] = []
    var strides: [Int] = []
    for (size, stride) in zip(layout.shape, layout.strides) where size != 1 {
      if let last = strides.last, last == stride &* size {
        sizes[sizes.count - 1] *= size
        strides[strides.count - 1] = stride
      } else {
        sizes.append(size)
        strides.append(stride)
      }
    }
    if sizes.isEmpty {
      sizes = [1]
      strides = [1]
    }
    self.sizes = sizes
    self.strides = strides
    self.itemSize = itemSize
    indices = Array(repeating: 0, count: sizes.count)
    position = layout.offset
  }

  /// Copies the next elements until `target` is full.
  ///
  /// - Parameters:
  ///   - source: The storage's bytes.
  ///   - target: A whole number of elements, no more than are left.
  mutating func read(
    from source: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) {
    switch itemSize {
    case 1: unsafe read(from: source, into: target, as: UInt8.self)
    case 2: unsafe read(from: source, into: target, as: UInt16.self)
    case 4: unsafe read(from: source, into: target, as: UInt32.self)
    case 8: unsafe read(from: source, into: target, as: UInt64.self)
    default: unsafe read(from: source, into: target, as: SIMD2<UInt64>.self)
    }
  }

  private mutating func read<Unit: BitwiseCopyable>(
    from source: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer,
    as unit: Unit.Type
  ) {
    guard let from = source.baseAddress, let to = target.baseAddress else {
      return
    }
    let size = MemoryLayout<Unit>.size
    let inner = sizes.count - 1
    let step = strides[inner] &* size
    var written = 0
    while written < target.count {
      let run = min(
        sizes[inner] - indices[inner],
        (target.count - written) / size
      )
      guard run > 0 else { return }
      var byte = position &* size
      for _ in 0..<run {
        let value = unsafe from.loadUnaligned(
          fromByteOffset: byte,
          as: Unit.self
        )
        unsafe to.storeBytes(of: value, toByteOffset: written, as: Unit.self)
        byte &+= step
        written &+= size
      }
      advance(by: run)
    }
  }

  /// Moves on along the innermost dimension, and carries into the outer ones.
  private mutating func advance(by run: Int) {
    var dimension = sizes.count - 1
    var count = run
    while dimension >= 0 {
      indices[dimension] += count
      position &+= strides[dimension] &* count
      guard indices[dimension] == sizes[dimension] else { return }
      position &-= strides[dimension] &* sizes[dimension]
      indices[dimension] = 0
      count = 1
      dimension -= 1
    }
  }
}
