internal import OrderedCollections
internal import Tensors

/// A dataset's numbers as text (RFC 4180), for looking at: a line each sample.
///
/// A sample is an index of the first dimension, its numbers in row-major order.
/// There is no line of names; a number is as short as it can be and still
/// be read as the same.
public struct CSVFormat: CheckpointFormat {
  /// Makes the format.
  public init() {}

  public var descriptor: FormatDescriptor {
    FormatDescriptor(
      id: .csv,
      aliases: ["text"],
      suffixes: ["csv"],
      canRead: false,
      canWrite: true,
      summary: "a dataset's numbers as text, a line each sample"
    )
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    LossReport.ofSoleTensor(in: checkpoint, for: .csv)
  }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    let (name, tensor) = try checkpoint.soleTensor(for: .csv)
    let file = try TensorFile(path, size: nil, options: options)
    do {
      switch tensor.dtype {
      case .float64: try write(tensor, Double.self, options, to: file)
      case .uint64: try write(tensor, UInt64.self, options, to: file)
      case _ where tensor.dtype.isFloatingPoint:
        let floats = try tensor.resolved().convertedWhenRead(to: .float32)
        try write(floats, Float.self, options, to: file)
      case _ where tensor.dtype.isInteger, .bool:
        let integers = try tensor.convertedWhenRead(to: .int64)
        try write(integers, Int64.self, options, to: file)
      default:
        throw CheckpointError(
          .unsupported,
          "csv has no text for \(tensor.dtype)"
        )
      }
    } catch let error as CheckpointError {
      throw error.located(keyPath: name)
    } catch let error as StorageError {
      throw CheckpointError(.mismatch, "\(error)", keyPath: name)
    }
    try file.commit()
  }

  private func write<
    Number: BitwiseCopyable & LosslessStringConvertible
  >(
    _ tensor: Tensor,
    _ type: Number.Type,
    _ options: WriteOptions,
    to file: TensorFile
  ) throws {
    let size = MemoryLayout<Number>.size
    let samples = max(1, tensor.shape.first ?? 1)
    let columns = max(1, tensor.elementCount / samples)
    var text: [UInt8] = []
    var column = 0
    var done = 0
    try unsafe tensor.resolved().forEachContiguousPiece { piece in
      for offset in stride(from: 0, to: piece.count, by: size) {
        let number = unsafe piece.loadUnaligned(
          fromByteOffset: offset,
          as: Number.self
        )
        var digits = Array(number.description.utf8)
        // A whole float is as plain as an integer.
        if digits.suffix(2) == Array(".0".utf8) { digits.removeLast(2) }
        text += digits
        column += 1
        done += 1
        text.append(
          column == columns ? UInt8(ascii: "\n") : UInt8(ascii: ",")
        )
        if column == columns { column = 0 }
        guard text.count >= 1 << 20 else { continue }
        try file.write(text)
        text.removeAll(keepingCapacity: true)
        options.progress?(done * size, tensor.byteCount)
      }
    }
    try file.write(text)
  }
}
