internal import OrderedCollections
internal import Tensors

/// The format of MNIST: one array of big-endian numbers, plain or gzipped.
public struct IDXFormat: CheckpointFormat {
  /// Makes the format.
  public init() {}

  public var descriptor: FormatDescriptor {
    FormatDescriptor(
      id: .idx,
      aliases: ["idx.gz", "mnist", "ubyte"],
      suffixes: ["idx", "idx.gz", "ubyte", "ubyte.gz"],
      canRead: true,
      canWrite: true,
      summary: "one array, as MNIST is published; also gzipped"
    )
  }

  public func recognizes(_ input: CheckpointInput) -> Bool {
    IDXHeader.recognizes(input.head) || Gzip.recognizes(input.head)
  }

  public func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    let file = try input.mappedFile()
    let tensor =
      if Gzip.recognizes(input.head) {
        try unsafe file.withUnsafeBytes { packed in
          try unsafe Gzip.withInflated(packed, options: options) { bytes in
            guard unsafe IDXHeader.recognizes(Array(bytes.prefix(4))) else {
              throw ForeignContent.gzip.error()
            }
            let header = try unsafe IDXHeader(parsing: bytes)
            return try unsafe Self.tensor(
              header,
              Storage(
                copying: UnsafeRawBufferPointer(
                  rebasing: bytes[header.headerSize...]
                )
              )
            )
          }
        }
      } else {
        try Self.tensor(of: file)
      }
    var checkpoint = Checkpoint(
      format: .idx,
      tensors: [Checkpoint.bareTensorName: tensor]
    )
    checkpoint.byteOrder = .big
    return checkpoint
  }

  private static func tensor(of file: MappedFile) throws -> Tensor {
    let header = try unsafe file.withUnsafeBytes {
      bytes throws(CheckpointError) in
      try unsafe IDXHeader(parsing: bytes)
    }
    return try tensor(
      header,
      Storage(mapping: file, range: header.headerSize..<file.count)
    )
  }

  private static func tensor(
    _ header: IDXHeader,
    _ storage: Storage
  ) throws(LayoutError) -> Tensor {
    try Tensor(
      dtype: header.dtype,
      layout: header.layout,
      storage: storage.inHostOrder(from: .big, dtype: header.dtype)
    )
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    LossReport.ofSoleTensor(in: checkpoint, for: .idx)
  }

  /// The bytes of one gzip member: a file is compressed in such pieces.
  private static let memberSize = 16 << 20

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    let (name, tensor) = try checkpoint.soleTensor(for: .idx)
    let head: [UInt8]
    do {
      head = try IDXHeader.bytes(for: tensor)
    } catch {
      throw error.located(keyPath: name)
    }
    if path.lowercased().hasSuffix(".gz") {
      try writeGzip(head, tensor, name, to: path, options: options)
    } else {
      let file = try TensorFile(
        path,
        size: head.count + tensor.byteCount,
        options: options
      )
      try file.write(head)
      try file.write(tensor, named: name, order: .big)
      try file.commit()
    }
  }

  private func writeGzip(
    _ head: [UInt8],
    _ tensor: Tensor,
    _ name: String,
    to path: String,
    options: WriteOptions
  ) throws {
    let file = try TensorFile(path, size: nil, options: options)
    let total = head.count + tensor.byteCount
    var done = 0
    var member = head
    let unit = ByteOrder.host == .big ? 1 : tensor.dtype.swapUnit
    func finishMember() throws {
      done += member.count
      try file.write(Gzip.member(member))
      member.removeAll(keepingCapacity: true)
      options.progress?(done, total)
    }
    try unsafe tensor.resolved().forEachContiguousPiece { piece in
      var start = 0
      while start < piece.count {
        // Whole elements: a member's room may end inside one.
        let room = max(unit, (Self.memberSize - member.count) / unit * unit)
        let end = min(piece.count, start + room)
        let part = unsafe UnsafeRawBufferPointer(rebasing: piece[start..<end])
        unsafe member.append(contentsOf: part)
        unsafe member.withUnsafeMutableBytes { bytes in
          let added = unsafe UnsafeMutableRawBufferPointer(
            rebasing: bytes[(bytes.count - part.count)...]
          )
          unsafe ByteSwap.copy(part, to: added, unit: unit)
        }
        start = end
        if member.count >= Self.memberSize { try finishMember() }
      }
    }
    if !member.isEmpty { try finishMember() }
    try file.commit()
  }
}
