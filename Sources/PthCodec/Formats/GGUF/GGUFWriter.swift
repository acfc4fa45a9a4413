internal import OrderedCollections
internal import Tensors

/// Writes a GGUF file of version 3.
struct GGUFWriter {
  private var head: [UInt8] = []
  private let tensors: [(name: String, tensor: Tensor, type: GGUFType)]
  private let alignment: Int
  private let options: WriteOptions

  /// The longest name that ggml takes, in bytes, and the most dimensions.
  private static let maxNameSize = 63
  private static let maxRank = 4

  /// Lays the file out.
  ///
  /// The setting `dtype` may be `q8_0` or `q4_0`: then matrices of floats
  /// whose rows are whole blocks are quantized, and other tensors stay as they
  /// are, as llama.cpp does it.
  ///
  /// - Throws: ``CheckpointError`` for names and shapes that ggml can't hold
  ///   and for an unknown setting.
  init(
    _ checkpoint: Checkpoint,
    options: WriteOptions
  ) throws(CheckpointError) {
    self.options = options
    let blocks = try Self.blockType(options)
    var tensors: [(name: String, tensor: Tensor, type: GGUFType)] = []
    for (name, tensor) in checkpoint.tensors where !tensor.storage.isMeta {
      // What has no type is left out: the caller has allowed the loss.
      guard let type = GGUFType(tensor.dtype) else { continue }
      try Self.check(name, tensor)
      let isMatrix =
        tensor.shape.count > 1 && tensor.dtype.isFloatingPoint
        && (tensor.shape.last ?? 0) % GGUFBlocks.size == 0
      tensors.append((name, tensor, isMatrix ? blocks ?? type : type))
    }
    if let blocks, !tensors.contains(where: { $0.type == blocks }) {
      throw CheckpointError(
        .mismatch,
        "no tensor can be quantized: none is a matrix of floats with rows of a "
          + "multiple of \(GGUFBlocks.size)"
      )
    }
    self.tensors = tensors

    var texts = checkpoint.metadata
    SafetensorsExtras.addModuleVersions(of: checkpoint, to: &texts)
    var metadata: OrderedDictionary<String, GGUFValue> = [:]
    if texts["general.architecture"] == nil {
      metadata["general.architecture"] = .string(Array("pth".utf8))
    }
    for (key, text) in texts { metadata[key] = GGUFValue(text: text) }
    if blocks != nil {
      metadata["general.quantization_version"] = .u32(2)
    }
    alignment = try GGUFHeader.alignment(metadata)

    head += GGUFHeader.magic
    head.append(littleEndian: UInt32(3))
    head.append(littleEndian: UInt64(tensors.count))
    head.append(littleEndian: UInt64(metadata.count))
    for (key, value) in metadata {
      append(Array(key.utf8))
      head.append(littleEndian: value.type)
      append(value)
    }
    try appendTensors()
  }

  private static func blockType(
    _ options: WriteOptions
  ) throws(CheckpointError) -> GGUFType? {
    switch options.settings["dtype"]?.lowercased() {
    case nil: nil
    case "q8_0": .q8_0
    case "q4_0": .q4_0
    case .some(let name):
      throw CheckpointError(
        .unsupported,
        "\(name) is no block type that can be written",
        hint: "q8_0 and q4_0 are"
      )
    }
  }

  private static func check(
    _ name: String,
    _ tensor: Tensor
  ) throws(CheckpointError) {
    guard name.utf8.count <= maxNameSize else {
      throw CheckpointError(
        .unsupported,
        "ggml takes names of at most \(maxNameSize) bytes, this has "
          + "\(name.utf8.count)",
        keyPath: name,
        hint: "shorten it with --rename"
      )
    }
    guard tensor.shape.count <= maxRank else {
      throw CheckpointError(
        .unsupported,
        "ggml has at most \(maxRank) dimensions, the tensor "
          + "\(tensor.shape.count)",
        keyPath: name
      )
    }
  }

  private mutating func append(_ string: [UInt8]) {
    head.append(littleEndian: UInt64(string.count))
    head += string
  }

  private mutating func append(_ value: GGUFValue) {
    switch value {
    case .u8(let number): head.append(number)
    case .i8(let number): head.append(UInt8(bitPattern: number))
    case .u16(let number): head.append(littleEndian: number)
    case .i16(let number): head.append(littleEndian: number)
    case .u32(let number), .f32(let number): head.append(littleEndian: number)
    case .i32(let number): head.append(littleEndian: number)
    case .u64(let number), .f64(let number): head.append(littleEndian: number)
    case .i64(let number): head.append(littleEndian: number)
    case .bool(let truth): head.append(truth ? 1 : 0)
    case .string(let bytes): append(bytes)
    case .array(let type, let values):
      head.append(littleEndian: type)
      head.append(littleEndian: UInt64(values.count))
      for value in values { append(value) }
    }
  }

  private mutating func appendTensors() throws(CheckpointError) {
    var offset = 0
    for (name, tensor, type) in tensors {
      append(Array(name.utf8))
      head.append(littleEndian: UInt32(tensor.shape.count))
      for size in tensor.shape.reversed() {
        head.append(littleEndian: UInt64(size))
      }
      head.append(littleEndian: type.rawValue)
      head.append(littleEndian: UInt64(offset))
      guard let size = type.byteCount(of: tensor.elementCount),
        case let (end, overflow) = offset.addingReportingOverflow(size),
        !overflow, end < Int.max - (1 << 32)
      else {
        throw CheckpointError(.limit, "the tensors are larger than any file")
      }
      offset = end.roundedUp(to: alignment)
    }
    head += [UInt8](
      repeating: 0,
      count: head.count.roundedUp(to: alignment) - head.count
    )
    dataSize = offset
  }

  private var dataSize = 0

  /// Writes the file, all or nothing.
  func write(to path: String) throws {
    let file = try TensorFile(
      path,
      size: head.count + dataSize,
      options: options
    )
    try file.write(head)
    for (name, tensor, type) in tensors {
      if type.dtype != nil {
        try file.write(tensor, named: name)
      } else {
        try quantize(tensor, named: name, as: type, to: file)
      }
      try file.pad(to: alignment)
    }
    try file.commit()
  }

  private func quantize(
    _ tensor: Tensor,
    named name: String,
    as type: GGUFType,
    to file: TensorFile
  ) throws {
    let floats = try tensor.resolved().convertedWhenRead(to: .float32)
    var rest: [Float] = []
    var bytes: [UInt8] = []
    try unsafe floats.forEachContiguousPiece { piece in
      var start = 0
      while start < piece.count {
        let end = min(piece.count, start + (1 << 20))
        for offset in stride(from: start, to: end, by: 4) {
          rest.append(
            unsafe piece.loadUnaligned(fromByteOffset: offset, as: Float.self)
          )
        }
        let whole = rest.count / GGUFBlocks.size * GGUFBlocks.size
        for block in stride(from: 0, to: whole, by: GGUFBlocks.size) {
          guard
            GGUFBlocks.encode(
              rest[block..<(block + GGUFBlocks.size)],
              type,
              to: &bytes
            )
          else {
            throw CheckpointError(
              .mismatch,
              "it has numbers that \(type) can't hold: infinite, NaN or "
                + "beyond the scale of half precision",
              keyPath: name
            )
          }
        }
        rest.removeFirst(whole)
        try file.write(bytes)
        bytes.removeAll(keepingCapacity: true)
        start = end
      }
    }
  }
}
