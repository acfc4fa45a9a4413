internal import OrderedCollections
internal import Tensors

/// One NumPy array, as `numpy.save` writes it.
public struct NPYFormat: CheckpointFormat {
  /// Makes the format.
  public init() {}

  public var descriptor: FormatDescriptor {
    FormatDescriptor(
      id: .npy,
      aliases: ["numpy"],
      suffixes: ["npy"],
      canRead: true,
      canWrite: true,
      summary: "one NumPy array"
    )
  }

  public func recognizes(_ input: CheckpointInput) -> Bool {
    NPYHeader.recognizes(input.head)
  }

  public func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    let file = try input.mappedFile()
    let head = unsafe file.withUnsafeBytes {
      unsafe Array($0.prefix(NPYHeader.maxSize))
    }
    let header = try NPYHeader(parsing: head, total: file.count)
    let tensor = try Tensor(
      dtype: header.dtype,
      layout: header.layout,
      storage: Storage(mapping: file, range: header.size..<file.count)
        .inHostOrder(from: header.order, dtype: header.dtype)
    )
    var checkpoint = Checkpoint(
      format: .npy,
      tensors: [Checkpoint.bareTensorName: tensor]
    )
    checkpoint.byteOrder = header.order
    return checkpoint
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    LossReport.ofSoleTensor(in: checkpoint, for: .npy)
  }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    let (name, tensor) = try checkpoint.soleTensor(for: .npy)
    let array = try NPYArray(tensor, named: name)
    let file = try TensorFile(path, size: array.size, options: options)
    try file.write(array.head)
    try file.write(array.elements, named: name)
    try file.commit()
  }
}

/// A tensor as a npy file has it: a head and elements without gaps.
struct NPYArray {
  let head: [UInt8]

  /// The elements; transposed where they lie column by column.
  let elements: Tensor

  /// The bytes of head and elements.
  var size: Int {
    head.count.addingReportingOverflow(elements.byteCount).partialValue
  }

  /// Lays an array out as `numpy.save` does.
  ///
  /// - Throws: ``CheckpointError`` for a dtype that NumPy lacks.
  init(_ tensor: Tensor, named name: String) throws {
    let isFortran =
      !tensor.layout.isContiguous && tensor.layout.isColumnMajor
      && !tensor.isConjugate && !tensor.isNegative
    elements =
      isFortran
      ? try Tensor(
        dtype: tensor.dtype,
        layout: tensor.layout.reversed(),
        storage: tensor.storage
      ) : tensor
    do {
      head = try NPYHeader.bytes(
        tensor.dtype,
        shape: tensor.shape,
        isFortran: isFortran
      )
    } catch {
      throw error.located(keyPath: name)
    }
  }
}
