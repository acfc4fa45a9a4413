internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A zip archive with a `data.pkl` and its storages, opened for reading.
struct TorchArchive {
  private let reader: ArchiveReader
  private let options: ReadOptions
  private let byteOrder: ByteOrder

  init(_ input: CheckpointInput, options: ReadOptions) throws {
    _ = try input.mappedFile()
    try self.init(input.zip.directory(), options: options)
  }

  /// Opens an archive that may be a part of a file.
  init(_ bytes: ArchiveBytes, options: ReadOptions) throws {
    try self.init(ZipDirectory(bytes), options: options)
  }

  private init(_ directory: ZipDirectory, options: ReadOptions) throws {
    reader = try ArchiveReader(
      directory,
      limits: options.archiveLimits
    )
    self.options = options
    byteOrder = try Self.byteOrder(of: reader)
  }

  /// Whether an input is a zip archive with a pickle in its root folder.
  static func recognizes(_ input: CheckpointInput) -> Bool {
    guard input.head.starts(with: [0x50, 0x4b]), input.file != nil else {
      return false
    }
    if let directory = try? input.zip.directory() {
      return directory.hasFile(named: RecordName.pickle)
    }
    // A damaged directory: the first local header tells what it was.
    return input.head.contains(RecordName.pickle.utf8)
  }

  /// Whether an archive has the records of a compiled module.
  static func isScript(_ input: CheckpointInput) -> Bool {
    guard let directory = try? input.zip.directory() else { return false }
    return directory.hasFile(named: "constants.pkl")
  }

  /// Reads the pickle and names what it holds.
  func checkpoint(as format: FormatID) throws -> Checkpoint {
    let graph = try pickle(RecordName.pickle)
    let source = self
    let storages = StorageTable { reference, byteCount in
      try source.storage(reference, byteCount)
    }
    var walk = ObjectWalk(
      decoder: TensorDecoder(
        reader: GraphReader(graph, readsAll: true),
        storages: storages
      )
    )
    walk.mostValues = options.pickle.mostValues(
      fileSize: reader.directory.bytes.count
    )
    do {
      // Of a storage that is not summed, only the local header is read.
      if options.checksCRC || !options.checksHeaders {
        try walk.run()
      } else {
        try reader.directory.bytes.withScatteredReads { try walk.run() }
      }
    } catch let error as CheckpointError {
      throw error.located(file: reader.path, record: RecordName.pickle)
    }
    let content = PickledContent(
      graph: graph,
      storages: walk.decoder.storages.list,
      archive: SourceArchive(reader: reader, byteOrder: byteOrder)
    )
    var checkpoint = Checkpoint(content, walk: walk, as: format)
    checkpoint.byteOrder = byteOrder
    return checkpoint
  }

  /// Decodes a record that is a pickle.
  func pickle(_ record: String) throws -> PickleGraph {
    let bytes = try reader.storage(
      forRecord: record,
      checkingSum: options.checksCRC
    )
    return try decodePickle(
      bytes,
      limits: options.pickle.within(
        fileSize: reader.directory.bytes.count,
        isBuilt: true
      ),
      file: reader.path,
      record: record
    )
  }

  private func storage(
    _ reference: StorageReference,
    _ byteCount: Int
  ) throws -> Storage {
    let record = reference.name.record
    let storage =
      options.checksCRC || options.checksHeaders
      ? try reader.storage(
        forRecord: record.text,
        checkingSum: options.checksCRC
      ) : try reader.deferredStorage(forRecord: record)
    guard storage.byteCount == byteCount else {
      throw CheckpointError(
        .damaged,
        "the storage should have \(byteCount) bytes "
          + "(\(reference.count) of \(reference.type.countedDType)), "
          + "but the record has \(storage.byteCount)",
        file: reader.path,
        record: record.text,
        hint: "the file was cut or changed; get it again"
      )
    }
    return storage.inHostOrder(
      from: byteOrder,
      dtype: reference.type.countedDType
    )
  }

  private static func byteOrder(
    of reader: ArchiveReader
  ) throws -> ByteOrder {
    guard reader.contains("byteorder") else { return .little }
    let word = try unsafe reader.storage(forRecord: "byteorder")
      .withUnsafeBytes { unsafe String(decoding: $0.prefix(16), as: UTF8.self) }
    guard let order = ByteOrder(rawValue: word) else {
      throw CheckpointError(
        .damaged,
        "the byte order is \"\(word)\", neither little nor big",
        file: reader.path,
        record: "byteorder"
      )
    }
    return order
  }
}

/// Decodes a pickle whose bytes lie in a storage, which the graph then keeps.
func decodePickle(
  _ storage: Storage,
  at offset: Int = 0,
  limits: PickleLimits,
  file: String,
  record: String?
) throws -> PickleGraph {
  let bytes = try unsafe storage.unsafeBytes()
  do {
    return try Unpickler.decode(
      unsafe PickleSource(unsafeBytes: bytes, owner: storage),
      at: offset,
      limits: limits
    )
  } catch {
    throw CheckpointError(
      error.isLimit ? .limit : .damaged,
      error.message,
      file: file,
      record: record,
      offset: error.offset
    )
  }
}

extension PickleLimits {
  /// The limits for a pickle that lies, perhaps compressed, in a file.
  ///
  /// A value takes a byte of the pickle, so only one that was compressed
  /// without measure is stopped: a hundred thousand bytes can be ninety
  /// million empty lists. Compressed checkpoints have a value or two a byte.
  ///
  /// - Parameters:
  ///   - size: The file's bytes.
  ///   - isBuilt: Whether an object is made of the values, instead of
  ///     looking at them alone: that takes several times as much memory.
  /// - Returns: Limits for what these leave open.
  func within(fileSize size: Int, isBuilt: Bool) -> PickleLimits {
    let (scaled, isTooMuch) = size.multipliedReportingOverflow(
      by: isBuilt ? 4 : 10
    )
    let most = max(
      isBuilt ? 400_000 : 1_050_000,
      isTooMuch ? Int.max : scaled
    )
    let unset = ReadOptions().pickle
    var limits = self
    // A limit of the caller's own holds as it is.
    if maxNodes >= unset.maxNodes { limits.maxNodes = min(maxNodes, most) }
    if maxDepth >= unset.maxDepth { limits.maxDepth = min(maxDepth, most) }
    if maxMemo >= unset.maxMemo { limits.maxMemo = min(maxMemo, most) }
    return limits
  }

  /// The most plain values of an object that are named and shown: each takes
  /// a hundred times as much memory as in its pickle.
  ///
  /// PyTorch compresses no pickle, so each value takes a byte of its file. Who
  /// sets a limit of values at all is not held to another one.
  ///
  /// - Parameter size: The file's bytes.
  /// - Returns: A number of values.
  func mostValues(fileSize size: Int) -> Int {
    maxNodes >= ReadOptions().pickle.maxNodes ? max(100_000, size) : maxNodes
  }
}

extension PickleError {
  /// Whether the pickle may be sound, but asks for more than is allowed.
  fileprivate var isLimit: Bool {
    if case .limitExceeded = kind { true } else { false }
  }
}
