internal import Tensors

/// A tensor of a distributed checkpoint, put together when it is read.
struct DCPTensor {
  private let entry: DCPMetadata.TensorEntry

  /// The parts that have elements, each with what reads it.
  private let parts: [Part]

  private struct Part: Sendable {
    let chunk: DCPMetadata.Chunk
    let read: @Sendable () throws -> Tensor
  }

  /// Checks that the parts make the whole, without reading them.
  ///
  /// - Parameters:
  ///   - entry: What the metadata says.
  ///   - part: Gives what reads the part that begins at some offset.
  /// - Throws: ``CheckpointError`` for parts that leave a gap or overlap.
  init(
    _ entry: DCPMetadata.TensorEntry,
    part: (DCPMetadata.Chunk, _ byteCount: Int) throws ->
      @Sendable () throws ->
      Tensor
  ) throws {
    self.entry = entry
    var parts: [Part] = []
    var covered = 0
    for chunk in entry.chunks {
      let count = try Self.elementCount(of: chunk, in: entry)
      guard count > 0 else { continue }
      // No overflow: each part lies inside the whole.
      covered = covered.addingReportingOverflow(count).partialValue
      guard let size = entry.dtype.byteCount(ofElements: count) else {
        throw Self.fault("a part of size \(chunk.sizes) can't be")
      }
      parts.append(Part(chunk: chunk, read: try part(chunk, size)))
    }
    self.parts = parts
    let total = try TensorDecoder.checked {
      try Layout(contiguous: entry.shape).elementCount
    }
    guard covered == total, !Self.overlap(parts.map(\.chunk)) else {
      throw Self.fault(
        "its \(entry.chunks.count) parts do not make up the size \(entry.shape)"
      )
    }
  }

  /// The tensor; no byte is read before it is asked for.
  func tensor() throws -> Tensor {
    let layout = try Layout(contiguous: entry.shape)
    guard let size = entry.dtype.byteCount(ofElements: layout.elementCount)
    else { throw Self.fault("the size \(entry.shape) can't be") }
    return try TensorDecoder.checked {
      try Tensor(
        dtype: entry.dtype,
        layout: layout,
        storage: storage(size),
        requiresGrad: entry.requiresGrad
      )
    }
  }

  private func storage(_ size: Int) -> Storage {
    if parts.count == 1 {
      let read = parts[0].read
      return Storage(byteCount: size) { try read().contiguous().storage }
    }
    let parts = parts
    let shape = entry.shape
    let itemSize = entry.dtype.itemSize
    // Gathered anew at each reading, so that one whole tensor at a time is in
    // memory while a large checkpoint is converted.
    return unsafe Storage(byteCount: size) { body in
      let whole = try unsafe Storage(byteCount: size) { target throws in
        for part in parts {
          let copy = DCPCopy(part.chunk, shape: shape, itemSize: itemSize)
          try unsafe part.read().contiguous().storage.withUnsafeBytes {
            unsafe copy.run(from: $0, to: target)
          }
        }
      }
      try unsafe whole.withUnsafeBytes { try unsafe body($0) }
    }
  }

  /// The elements of a part, which lies inside the whole.
  private static func elementCount(
    of chunk: DCPMetadata.Chunk,
    in entry: DCPMetadata.TensorEntry
  ) throws -> Int {
    guard chunk.offsets.count == entry.shape.count,
      chunk.sizes.count == entry.shape.count,
      zip(zip(chunk.offsets, chunk.sizes), entry.shape).allSatisfy({
        $0.0 >= 0 && $0.1 >= 0 && $0.0 <= $1 && $0.1 <= $1 - $0.0
      })
    else {
      throw fault(
        "a part at \(chunk.offsets) of size \(chunk.sizes) lies outside of "
          + "the size \(entry.shape)"
      )
    }
    return try TensorDecoder.checked {
      try Layout(contiguous: chunk.sizes).elementCount
    }
  }

  private static func overlap(_ chunks: [DCPMetadata.Chunk]) -> Bool {
    let sorted = chunks.sorted {
      ($0.offsets.first ?? 0) < ($1.offsets.first ?? 0)
    }
    for (index, first) in sorted.enumerated() {
      let end = (first.offsets.first ?? 0) + (first.sizes.first ?? 1)
      for second in sorted[(index + 1)...] {
        // Those behind begin later still.
        if (second.offsets.first ?? 0) >= end { break }
        if first.overlaps(second) { return true }
      }
    }
    return false
  }

  private static func fault(_ message: String) -> CheckpointError {
    CheckpointError(.damaged, message)
  }
}

extension DCPMetadata.Chunk {
  fileprivate func overlaps(_ other: DCPMetadata.Chunk) -> Bool {
    offsets.indices.allSatisfy { axis in
      offsets[axis] < other.offsets[axis] + other.sizes[axis]
        && other.offsets[axis] < offsets[axis] + sizes[axis]
    }
  }
}

/// Copies a part's elements to their place in the whole, row by row.
private struct DCPCopy {
  /// The bytes that lie together in both.
  private var run: Int
  /// The dimensions before, and how far a step in them goes in the whole.
  private var sizes: [Int] = []
  private var steps: [Int] = []
  private var start = 0

  /// The part lies inside the whole, whose bytes can be counted.
  init(_ chunk: DCPMetadata.Chunk, shape: [Int], itemSize: Int) {
    run = itemSize
    var step = itemSize
    var isTogether = true
    for axis in shape.indices.reversed() {
      start += chunk.offsets[axis] * step
      if isTogether {
        run *= chunk.sizes[axis]
        isTogether = chunk.sizes[axis] == shape[axis]
      } else {
        sizes.insert(chunk.sizes[axis], at: 0)
        steps.insert(step, at: 0)
      }
      step *= shape[axis]
    }
  }

  func run(
    from source: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawBufferPointer
  ) {
    var index = [Int](repeating: 0, count: sizes.count)
    var position = start
    var taken = 0
    while taken < source.count, run > 0 {
      unsafe UnsafeMutableRawBufferPointer(
        rebasing: target[position..<position + run]
      )
      .copyMemory(
        from: UnsafeRawBufferPointer(rebasing: source[taken..<taken + run])
      )
      taken += run
      var axis = sizes.count - 1
      while axis >= 0 {
        index[axis] += 1
        position += steps[axis]
        if index[axis] < sizes[axis] { break }
        position -= sizes[axis] * steps[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
