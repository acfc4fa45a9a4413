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
        try unsafe Gzip.withInflated(file, options: options) { bytes in
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
}
