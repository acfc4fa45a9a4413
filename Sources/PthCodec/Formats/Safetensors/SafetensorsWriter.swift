internal import OrderedCollections
internal import Tensors

/// Writes one safetensors file, byte for byte as the reference does.
struct SafetensorsWriter {
  private let tensors: [(key: String, value: Tensor)]
  private let head: [UInt8]

  /// The bytes of the whole file.
  let size: Int

  /// Lays the file out.
  ///
  /// - Parameters:
  ///   - tensors: Tensors of dtypes that safetensors has.
  ///   - metadata: The texts, in order.
  /// - Throws: ``CheckpointError`` where the header grows too long.
  init(
    _ tensors: OrderedDictionary<String, Tensor>,
    metadata: OrderedDictionary<String, String>
  ) throws(CheckpointError) {
    // The reference sorts by descending alignment, then by the names' bytes.
    self.tensors = tensors.elements.sorted { first, second in
      let ranks = (
        SafetensorsDType.rank(of: first.value.dtype),
        SafetensorsDType.rank(of: second.value.dtype)
      )
      guard ranks.0 == ranks.1 else { return ranks.0 > ranks.1 }
      return first.key.utf8.lexicographicallyPrecedes(second.key.utf8)
    }
    var members: [(key: String, value: JSONValue)] = []
    if !metadata.isEmpty {
      members.append(
        (
          SafetensorsHeader.metadataKey,
          .object(metadata.map { ($0.key, .string($0.value)) })
        )
      )
    }
    var end = 0
    for (name, tensor) in self.tensors {
      guard name != SafetensorsHeader.metadataKey,
        let dtype = SafetensorsDType.name(of: tensor.dtype)
      else {
        throw CheckpointError(
          .unsupported,
          "safetensors can't hold this tensor",
          keyPath: name
        )
      }
      let start = end
      let (sum, overflow) = start.addingReportingOverflow(tensor.byteCount)
      guard !overflow else {
        throw CheckpointError(.limit, "the tensors are larger than any file")
      }
      end = sum
      let shape = SafetensorsDType.headerShape(of: tensor)
      let value: [(key: String, value: JSONValue)] = [
        ("dtype", .string(dtype)),
        ("shape", .array(shape.map { .int($0) })),
        ("data_offsets", .array([.int(start), .int(end)])),
      ]
      members.append((name, .object(value)))
    }
    var text = JSONValue.object(members).bytes()
    text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
    guard text.count <= SafetensorsHeader.maxSize else {
      throw CheckpointError(
        .limit,
        "the header would have \(text.count) bytes; readers take "
          + "\(SafetensorsHeader.maxSize)",
        hint: "--plain leaves the pickled object out of it, and "
          + "--max-shard-size makes several files"
      )
    }
    var head: [UInt8] = []
    head.append(littleEndian: UInt64(text.count))
    self.head = head + text
    let (total, overflow) = end.addingReportingOverflow(self.head.count)
    guard !overflow else {
      throw CheckpointError(.limit, "the tensors are larger than any file")
    }
    size = total
  }

  /// Writes everything but does not put the file in its place yet.
  ///
  /// - Returns: The file to commit.
  /// - Throws: `FileError`, and what reading the tensors throws.
  func write(to path: String, options: WriteOptions) throws -> TensorFile {
    let file = try TensorFile(path, size: size, options: options)
    try file.write(head)
    for (name, tensor) in tensors {
      try file.write(tensor, named: name)
    }
    return file
  }
}
