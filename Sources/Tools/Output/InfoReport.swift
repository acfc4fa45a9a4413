internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// What `pth info` tells about a checkpoint.
struct InfoReport {
  private let checkpoint: Checkpoint
  private let file: String

  /// Storages by their number, in the order of the tensors.
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
  func json(withChecksum: Bool) throws -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("file", .string(file)),
      ("format", .string(checkpoint.format.rawValue)),
      ("byteOrder", .string(checkpoint.byteOrder.rawValue)),
      (
        "tensors",
        .array(
          try checkpoint.tensors.map {
            try json(of: $0.value, name: $0.key, withChecksum: withChecksum)
          }
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
    name: String,
    withChecksum: Bool
  ) throws -> JSONValue {
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
    if withChecksum {
      do {
        members.append(
          (
            "sha256",
            try Checksum.sha256(of: tensor).map { .string($0) } ?? .null
          )
        )
      } catch {
        throw Failure(
          Failure.exitCode(of: error),
          "\(file): tensor \(name): \(error)"
        )
      }
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

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
      .joined()
  }

  /// The report for a person.
  func text(withChecksum: Bool) throws -> String {
    var output = "\(Text.printable(file)): \(checkpoint.format.rawValue)"
    if checkpoint.byteOrder == .big { output += ", big-endian" }
    output += "\n\n"
    if !checkpoint.tensors.isEmpty {
      output += try tensorTable(withChecksum: withChecksum)
    }
    output += totals
    for value in checkpoint.values {
      output +=
        "  \(Text.printable(value.path.isEmpty ? "(root)" : value.path))"
      output += " = \(Self.shown(value))\n"
    }
    for (key, value) in checkpoint.metadata {
      output += "  \(Text.printable(key)): "
      output += Text.printable(String(value.prefix(200))) + "\n"
    }
    return output
  }

  private func tensorTable(withChecksum: Bool) throws -> String {
    var rows = [["TENSOR", "DTYPE", "SHAPE", "SIZE"]]
    if withChecksum { rows[0].append("SHA-256") }
    for (name, tensor) in checkpoint.tensors {
      let shape = tensor.shape.map(String.init).joined(separator: "×")
      var row = [
        Text.printable(name), tensor.dtype.rawValue,
        shape.isEmpty ? "scalar" : shape, Text.size(tensor.byteCount),
      ]
      if withChecksum {
        row.append(try Checksum.sha256(of: tensor) ?? "no data")
      }
      rows.append(row)
    }
    return Text.table(
      rows,
      rightAligned: [3],
      maxWidth: withChecksum ? nil : Terminal.width
    ) + "\n"
  }

  private var totals: String {
    let tensors = checkpoint.tensors.values
    let elements = tensors.reduce(0) {
      $0.addingReportingOverflow($1.elementCount).partialValue
    }
    let storages = Dictionary(
      tensors.map { (ObjectIdentifier($0.storage), $0.storage.byteCount) },
      uniquingKeysWith: { first, _ in first }
    )
    let bytes = storages.values.reduce(0) {
      $0.addingReportingOverflow($1).partialValue
    }
    return "\(Text.count(tensors.count)) tensors, "
      + "\(Text.count(elements)) elements, \(Text.size(bytes)) in "
      + "\(Text.count(storages.count)) storages\n"
  }

  /// A value in one line, for a person.
  static func shown(_ value: CheckpointValue) -> String {
    switch value.value {
    case .none: value.type == "NoneType" ? "None" : "\(value.type)"
    case .bool(let flag): flag ? "True" : "False"
    case .int(let number): "\(number)"
    case .bigInt(let digits): digits
    case .float(let number): "\(number)"
    case .string(let text):
      "\"\(Text.printable(String(text.prefix(200))))\""
        + (text.count > 200 ? "…" : "")
    case .bytes(let bytes): "\(bytes.count) bytes"
    case .described(let words):
      "\(value.type) \(Text.printable(String(words.prefix(200))))"
    }
  }
}
