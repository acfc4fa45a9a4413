internal import OrderedCollections
internal import Pickle
internal import PthCodec
internal import Tensors

/// What `pth info` tells about a checkpoint.
struct InfoReport {
  let checkpoint: Checkpoint
  let file: String

  /// The storages' numbers, in the order of the tensors.
  private let storageNumbers: [ObjectIdentifier: Int]

  init(_ checkpoint: Checkpoint, file: String) {
    self.checkpoint = checkpoint
    self.file = file
    var numbers: [ObjectIdentifier: Int] = [:]
    for tensor in checkpoint.tensors.values {
      let identity = ObjectIdentifier(tensor.storage)
      numbers[identity] = numbers[identity] ?? numbers.count
    }
    storageNumbers = numbers
  }

  /// The report for programs.
  ///
  /// - Parameter checksums: Each tensor's SHA-256 by its name; nil where they
  ///   are not asked for.
  /// - Returns: One object.
  func json(checksums: [String: String]?) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("file", .string(file)),
      ("format", .string(checkpoint.format.rawValue)),
      ("byteOrder", .string(checkpoint.byteOrder.rawValue)),
      (
        "tensors",
        .array(
          checkpoint.tensors.map { json(of: $0.value, $0.key, checksums) }
        )
      ),
      ("values", .array(checkpoint.values.map(json(of:)))),
    ]
    if !checkpoint.moduleVersions.isEmpty {
      members.append(
        (
          "moduleVersions",
          .object(checkpoint.moduleVersions.map { ($0.key, .int($0.value)) })
        )
      )
    }
    if !checkpoint.metadata.isEmpty {
      members.append(
        (
          "metadata",
          .object(checkpoint.metadata.map { ($0.key, .string($0.value)) })
        )
      )
    }
    return .object(members)
  }

  private func json(
    of tensor: Tensor,
    _ name: String,
    _ checksums: [String: String]?
  ) -> JSONValue {
    let storage = storageNumbers[ObjectIdentifier(tensor.storage)]
    var members: [(key: String, value: JSONValue)] = [
      ("name", .string(name)),
      ("dtype", .string(tensor.dtype.rawValue)),
      ("shape", .array(tensor.shape.map { .int($0) })),
      ("strides", .array(tensor.layout.strides.map { .int($0) })),
      ("offset", .int(tensor.layout.offset)),
      ("storage", storage.map { .int($0) } ?? .null),
      ("bytes", .int(tensor.byteCount)),
    ]
    if tensor.device != "cpu" {
      members.append(("device", .string(tensor.device)))
    }
    if let checksums {
      members.append(("sha256", checksums[name].map { .string($0) } ?? .null))
    }
    return .object(members)
  }

  private func json(of value: CheckpointValue) -> JSONValue {
    .object([
      ("path", .string(value.path)),
      ("type", .string(value.type)),
      ("value", Self.plain(value.value)),
    ])
  }

  /// A value for programs.
  static func plain(_ value: PlainValue) -> JSONValue {
    switch value {
    case .none: .null
    case .bool(let flag): .bool(flag)
    case .int(let number): .int(number)
    case .bigInt(let digits): .string(digits)
    case .float(let number):
      // JSON has no NaN and no infinity: they are written as text.
      number.isFinite ? .double(number) : .string("\(number)")
    case .string(let text): .string(text)
    case .bytes(let bytes): .string(hexadecimal(bytes))
    case .described(let words): .string(words)
    }
  }
}
