internal import OrderedCollections
internal import Tensors

/// The format of ggml and llama.cpp.
///
/// Block types are read as float32, when their elements are asked for.
public struct GGUFFormat: CheckpointFormat {
  /// Makes the format.
  public init() {}

  public var descriptor: FormatDescriptor {
    FormatDescriptor(
      id: .gguf,
      aliases: ["ggml"],
      suffixes: ["gguf"],
      canRead: true,
      canWrite: true,
      summary: "ggml's tensors with typed metadata; also Q8_0 and Q4_0"
    )
  }

  public func recognizes(_ input: CheckpointInput) -> Bool {
    input.head.starts(with: GGUFHeader.magic)
  }

  public func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    let file = try input.mappedFile()
    let header = try unsafe file.withUnsafeBytes {
      bytes throws(CheckpointError) in
      try unsafe GGUFHeader(parsing: ByteView(bytes))
    }
    var checkpoint = Checkpoint(
      format: .gguf,
      tensors: [:],
      metadata: header.metadata.mapValues(\.text)
    )
    checkpoint.tensors.reserveCapacity(header.entries.count)
    for (name, entry) in header.entries {
      checkpoint.tensors[name] = try Self.tensor(entry, in: file)
    }
    try SafetensorsExtras.takeModuleVersions(from: &checkpoint)
    return checkpoint
  }

  private static func tensor(
    _ entry: GGUFHeader.Entry,
    in file: MappedFile
  ) throws -> Tensor {
    let layout = try Layout(contiguous: entry.shape)
    let stored = try Storage(mapping: file, range: entry.range)
    if let dtype = entry.type.dtype {
      return try Tensor(
        dtype: dtype,
        layout: layout,
        storage: stored.inHostOrder(from: .little, dtype: dtype)
      )
    }
    guard let size = DType.float32.byteCount(ofElements: layout.elementCount)
    else {
      throw TensorError.tooLarge(bytes: .max, storageBytes: stored.byteCount)
    }
    let type = entry.type
    let decoded = unsafe Storage(byteCount: size) { body in
      try unsafe decode(stored, type, body)
    }
    return try Tensor(dtype: .float32, layout: layout, storage: decoded)
  }

  /// Gives the float32 of blocks, piece by piece.
  private static func decode(
    _ stored: Storage,
    _ type: GGUFType,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let blocks = 4096
    let target = UnsafeMutableRawBufferPointer.allocate(
      byteCount: blocks * GGUFBlocks.size * 4,
      alignment: 64
    )
    defer { unsafe target.deallocate() }
    try unsafe stored.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + blocks * type.blockBytes)
        let piece = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        unsafe GGUFBlocks.decode(piece, type, to: target)
        let size = piece.count / type.blockBytes * GGUFBlocks.size * 4
        try unsafe body(UnsafeRawBufferPointer(rebasing: target[..<size]))
        start = end
      }
    }
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    var report = LossReport(.gguf)
    report.addTensorTraits(of: checkpoint)
    report.addValues(of: checkpoint)
    report.addObject(of: checkpoint)
    report.addMeta(of: checkpoint)
    report.addDTypes(of: checkpoint) { GGUFType($0) != nil }
    return report.losses
  }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    try GGUFWriter(checkpoint, options: options).write(to: path)
  }
}
