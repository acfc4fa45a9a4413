internal import OrderedCollections
internal import Synchronization
internal import Tensors

/// NumPy's archive of arrays, as `numpy.savez` and `savez_compressed` write it.
public struct NPZFormat: CheckpointFormat {
  /// Makes the format.
  public init() {}

  public var descriptor: FormatDescriptor {
    FormatDescriptor(
      id: .npz,
      aliases: [],
      suffixes: ["npz"],
      canRead: true,
      canWrite: true,
      summary: "NumPy's archive of arrays; deflated with the setting compress"
    )
  }

  private static let suffix = ".npy"

  public func recognizes(_ input: CheckpointInput) -> Bool {
    guard let file = input.file, input.head.starts(with: [0x50, 0x4b]),
      let directory = try? ZipDirectory(file)
    else { return false }
    return input.fileName.lowercased().hasSuffix(".npz")
      || directory.records.contains {
        directory.name(of: $0).hasSuffix(Self.suffix)
      }
  }

  public func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    let file = try input.mappedFile()
    let reader = try GeneralZipReader(
      file,
      limits: options.archiveLimits
    )
    var checkpoint = Checkpoint(format: .npz, tensors: [:])
    for (index, record) in reader.names.enumerated() {
      guard record.hasSuffix(Self.suffix) else {
        throw CheckpointError(
          .unsupported,
          "the archive has a record that is no array",
          record: record
        )
      }
      let name = String(record.dropLast(Self.suffix.count))
      do {
        checkpoint.tensors[name] = try Self.tensor(
          index,
          reader,
          checksCRC: options.checksCRC
        )
      } catch let error as CheckpointError {
        throw error.located(record: record)
      }
    }
    return checkpoint
  }

  private static func tensor(
    _ index: Int,
    _ reader: GeneralZipReader,
    checksCRC: Bool
  ) throws -> Tensor {
    let record = try reader.storage(at: index, checkingSum: checksCRC)
    let header = try NPYHeader(
      parsing: head(of: record),
      total: record.byteCount
    )
    let elements = try reader.storage(at: index, after: header.size)
    return try Tensor(
      dtype: header.dtype,
      layout: header.layout,
      storage: elements.inHostOrder(from: header.order, dtype: header.dtype)
    )
  }

  /// A record's first bytes, without inflating the others.
  private static func head(of record: Storage) throws -> [UInt8] {
    struct Enough: Error {}
    var head: [UInt8] = []
    do {
      try unsafe record.forEachPiece { piece in
        unsafe head.append(
          contentsOf: piece.prefix(NPYHeader.maxSize - head.count)
        )
        if head.count == NPYHeader.maxSize { throw Enough() }
      }
    } catch is Enough {}
    return head
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    var report = LossReport(.npz)
    report.addAllButElements(of: checkpoint)
    report.addMeta(of: checkpoint)
    report.addDTypes(of: checkpoint) { NumPyDType.text(of: $0) != nil }
    return report.losses
  }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    // What has no type is left out: the caller has allowed the loss.
    let tensors = checkpoint.tensors.filter { _, tensor in
      NumPyDType.text(of: tensor.dtype) != nil && !tensor.storage.isMeta
    }
    let arrays = try tensors.map { name, tensor in
      (name: name, array: try NPYArray(tensor.resolved(), named: name))
    }
    let total = arrays.reduce(0) {
      $0.addingReportingOverflow($1.array.size).partialValue
    }
    let progress = ProgressCounter(total, options.progress)
    if options.settings["compress"] == "true",
      arrays.contains(where: { $0.array.size >= Self.leastDeflated })
    {
      try writeDeflated(arrays, to: path, progress, options)
    } else {
      try writeStored(arrays, to: path, progress, options)
    }
  }

  private typealias NamedArray = (name: String, array: NPYArray)

  private func writeStored(
    _ arrays: [NamedArray],
    to path: String,
    _ progress: ProgressCounter,
    _ options: WriteOptions
  ) throws {
    let file = try AtomicFile(
      path,
      overwriting: options.replacesExisting,
      expectedSize: StoredZipWriter.greatestSize(
        of: arrays.map { ($0.name + Self.suffix, $0.array.size) }
      ),
      durability: options.durability
    )
    let writer = StoredZipWriter(to: file)
    for (name, array) in arrays {
      try unsafe writer.add(name + Self.suffix, size: array.size) { write in
        try unsafe array.forEachPiece(named: name) { piece in
          try unsafe progress.forEachPart(of: piece) { try unsafe write($0) }
        }
      }
    }
    try writer.finish()
    try file.commit()
  }

  /// Deflating fewer bytes costs more time than it saves room.
  private static let leastDeflated = 1024

  private func writeDeflated(
    _ arrays: [NamedArray],
    to path: String,
    _ progress: ProgressCounter,
    _ options: WriteOptions
  ) throws {
    let entries = try arrays.map { name, array in
      if array.size < Self.leastDeflated {
        var bytes: [UInt8] = []
        try unsafe array.forEachPiece(named: name) { piece in
          unsafe bytes.append(contentsOf: piece)
          progress.add(piece.count)
        }
        return GeneralZipEntry(name + Self.suffix, .storages([Storage(bytes)]))
      }
      return unsafe GeneralZipEntry(
        name + Self.suffix,
        .pushed(size: array.size) { push in
          try unsafe array.forEachPiece(named: name) { piece in
            try unsafe progress.forEachPart(of: piece) { try unsafe push($0) }
          }
        },
        method: .deflated(level: 6)
      )
    }
    let file = try AtomicFile(
      path,
      overwriting: options.replacesExisting,
      durability: options.durability
    )
    try GeneralZipWriter.write(entries, to: file)
    try file.commit()
  }
}

/// Counts bytes of several entries and tells the sum.
private final class ProgressCounter: Sendable {
  private let done = Mutex(0)
  private let total: Int
  private let report: (@Sendable (Int, Int) -> Void)?

  init(_ total: Int, _ report: (@Sendable (Int, Int) -> Void)?) {
    self.total = total
    self.report = report
  }

  func add(_ count: Int) {
    let sum = done.withLock { done in
      done += count
      return done
    }
    report?(min(sum, total), total)
  }

  /// Calls `body` with parts of a piece, and tells of each.
  func forEachPart(
    of piece: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var start = 0
    while start < piece.count {
      let end = min(piece.count, start + (8 << 20))
      try unsafe body(UnsafeRawBufferPointer(rebasing: piece[start..<end]))
      add(end - start)
      start = end
    }
  }
}

extension NPYArray {
  /// Calls `body` with the file's bytes, piece by piece.
  ///
  /// - Throws: What `body` throws, and ``CheckpointError`` for elements that
  ///   can't be read.
  func forEachPiece(
    named name: String,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    do {
      try unsafe head.withUnsafeBytes(body)
      try unsafe elements.forEachContiguousPiece(body)
    } catch let error as TensorError {
      throw CheckpointError(.mismatch, "\(error)", keyPath: name)
    } catch let error as StorageError {
      throw CheckpointError(.mismatch, "\(error)", keyPath: name)
    }
  }
}
