internal import Tensors

/// A new file that takes heads and tensors, and appears when it is complete.
final class TensorFile {
  private let file: AtomicFile
  private let progress: ProgressHandler?
  private let total: Int

  /// The bytes between two reports of progress.
  private static let stride = 8 << 20

  /// Starts to write a file.
  ///
  /// - Parameters:
  ///   - path: Where the file shall be.
  ///   - size: The final size, as far as it is known.
  ///   - options: Whether an old file may be replaced, and whom to tell.
  /// - Throws: `FileError` where it can't be made.
  init(
    _ path: String,
    size: Int?,
    options: WriteOptions
  ) throws(FileError) {
    file = try AtomicFile(
      path,
      overwriting: options.replacesExisting,
      expectedSize: size,
      durability: options.durability
    )
    total = size ?? 0
    progress = size == nil ? nil : options.progress
  }

  /// Writes bytes as they are.
  func write(_ bytes: [UInt8]) throws(FileError) {
    try unsafe bytes.withUnsafeBufferPointer { bytes throws(FileError) in
      try unsafe file.write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Writes bytes as they are, telling the progress.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + Self.stride)
      try unsafe file.write(
        UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      )
      start = end
      progress?(file.position, total)
    }
  }

  /// Writes a part of a mapped file, telling the progress.
  private func copy(
    _ range: Range<Int>,
    of source: MappedFile
  ) throws(FileError) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(range.upperBound, start + Self.stride)
      try file.write(start..<end, of: source)
      start = end
      progress?(file.position, total)
    }
  }

  /// Writes zeros until the position is a multiple of `alignment`.
  func pad(to alignment: Int, with byte: UInt8 = 0) throws(FileError) {
    let rest = file.position % max(1, alignment)
    guard rest > 0 else { return }
    try write([UInt8](repeating: byte, count: alignment - rest))
  }

  /// Writes a tensor's elements in row-major order, without gaps.
  ///
  /// - Parameters:
  ///   - tensor: The tensor; its conjugate and negative bits are carried out.
  ///   - name: Its name, for messages.
  ///   - order: The bytes' order in the file.
  /// - Throws: `FileError`, and ``CheckpointError`` for elements that can't be
  ///   read.
  func write(
    _ tensor: Tensor,
    named name: String,
    order: ByteOrder = .little
  ) throws {
    let unit = order == .host ? 1 : tensor.dtype.swapUnit
    do {
      if unit == 1, !tensor.isConjugate, !tensor.isNegative,
        let place = try tensor.place
      {
        return try copy(place.range, of: place.file)
      }
      try unsafe tensor.resolved().forEachContiguousPiece { piece in
        if unit == 1 {
          try unsafe write(piece)
        } else {
          try unsafe ByteSwap.forEachTurned(piece, unit: unit) {
            try unsafe write($0)
          }
        }
      }
    } catch let error as TensorError {
      throw CheckpointError(.mismatch, "\(error)", keyPath: name)
    } catch let error as StorageError {
      throw CheckpointError(.mismatch, "\(error)", keyPath: name)
    } catch let error as CheckpointError {
      throw error.located(keyPath: name)
    }
  }

  /// Puts the finished file in its place.
  func commit() throws(FileError) {
    try file.commit()
  }
}
