internal import CKernels
internal import Dispatch
internal import Synchronization

/// Converts runs of elements from one dtype to another.
struct ElementConverter: Sendable {
  let source: DType
  let target: DType
  let wrapsIntegers: Bool

  /// Makes a converter.
  ///
  /// - Throws: ``TensorError`` where PyTorch has no such conversion.
  init(
    from source: DType,
    to target: DType,
    wrapsIntegers: Bool
  ) throws(TensorError) {
    guard ElementKind(source.component ?? source) != nil,
      ElementKind(target.component ?? target) != nil
    else { throw .noConversion(from: source, to: target) }
    self.source = source
    self.target = target
    self.wrapsIntegers = wrapsIntegers
  }

  /// The elements that are converted at once, in a core's own cache.
  private static let blockSize = 2048

  /// The elements that are worth a second core.
  private static let chunkSize = 1 << 17

  /// Converts all elements of `bytes`, on several cores where it is worth it.
  ///
  /// - Parameters:
  ///   - bytes: Whole elements.
  ///   - output: Room for as many.
  ///   - first: The first element's index, for messages.
  /// - Throws: ``TensorError`` for the first value that does not fit.
  func convertOnAllCores(
    _ bytes: UnsafeRawBufferPointer,
    to output: UnsafeMutableRawBufferPointer,
    first: Int = 0
  ) throws {
    let count = bytes.count / source.itemSize
    let chunks = (count + Self.chunkSize - 1) / Self.chunkSize
    guard chunks > 1 else {
      return try unsafe convert(bytes, to: output, first: first)
    }
    let from = UInt(bitPattern: bytes.baseAddress)
    let to = UInt(bitPattern: output.baseAddress)
    let failure = Mutex<(chunk: Int, error: any Error & Sendable)?>(nil)
    DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
      let start = chunk * Self.chunkSize
      let size = min(Self.chunkSize, count - start)
      do throws(TensorError) {
        try unsafe convert(
          UnsafeRawBufferPointer(
            start: UnsafeRawPointer(
              bitPattern: from + UInt(start * source.itemSize)
            ),
            count: size * source.itemSize
          ),
          to: UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(
              bitPattern: to + UInt(start * target.itemSize)
            ),
            count: size * target.itemSize
          ),
          first: first + start
        )
      } catch {
        failure.withLock { known in
          if chunk < known?.chunk ?? .max { known = (chunk, error) }
        }
      }
    }
    if let (_, error) = failure.withLock({ $0 }) { throw error }
  }

  /// Calls `body` with the converted elements of `tensor`, piece by piece.
  func forEachConvertedPiece(
    of tensor: Tensor,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let pieceSize = 1 << 20
    let output = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(pieceSize, tensor.elementCount) * target.itemSize,
      alignment: 64
    )
    defer { unsafe output.deallocate() }
    var done = 0
    try unsafe tensor.forEachContiguousPiece { piece in
      var position = 0
      let count = piece.count / source.itemSize
      while position < count {
        let size = min(pieceSize, count - position)
        let start = position * source.itemSize
        let end = start + size * source.itemSize
        let part = unsafe UnsafeMutableRawBufferPointer(
          rebasing: output[..<(size * target.itemSize)]
        )
        try unsafe convertOnAllCores(
          UnsafeRawBufferPointer(rebasing: piece[start..<end]),
          to: part,
          first: done
        )
        try unsafe body(UnsafeRawBufferPointer(part))
        position += size
        done += size
      }
    }
  }

  /// Converts all elements of `bytes` on this thread.
  func convert(
    _ bytes: UnsafeRawBufferPointer,
    to output: UnsafeMutableRawBufferPointer,
    first: Int
  ) throws(TensorError) {
    guard let from = bytes.baseAddress, let to = output.baseAddress else {
      return
    }
    var scratch = ConversionScratch(elements: Self.blockSize)
    defer { scratch.deallocate() }
    let count = min(
      bytes.count / source.itemSize,
      output.count / target.itemSize
    )
    var position = 0
    while position < count {
      let size = min(Self.blockSize, count - position)
      let block = unsafe ConversionBlock(
        source: from + position * source.itemSize,
        target: to + position * target.itemSize,
        count: size,
        first: first + position,
        wrapsIntegers: wrapsIntegers
      )
      switch (source.component, target.component) {
      case (nil, nil):
        try unsafe block.convert(source, to: target, &scratch)
      case (let part?, let other?):
        if part == other {
          unsafe block.copy(pairsOf: part)
        } else {
          try unsafe block.pairs.convert(part, to: other, &scratch)
        }
      case (nil, let part?):
        try unsafe block.convertToComplex(source, part, &scratch)
      case (let part?, nil):
        try unsafe block.convertFromComplex(part, target, &scratch)
      }
      position += size
    }
  }
}
