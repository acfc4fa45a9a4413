internal import OrderedCollections
internal import PthCodec
internal import Tensors

extension InfoReport {
  /// The report for a person.
  ///
  /// - Parameter checksums: Each tensor's SHA-256 by its name; nil where they
  ///   are not asked for.
  /// - Returns: Lines, each with its end.
  func text(checksums: [String: String]?) -> String {
    var heading = "\(file): \(checkpoint.format.rawValue)"
    if checkpoint.byteOrder == .big { heading += ", big-endian" }
    var output = Style.bold(heading) + "\n\n"
    if !checkpoint.tensors.isEmpty {
      output += tensorTable(checksums) + "\n"
    }
    output += totals
    if !checkpoint.values.isEmpty {
      output += "\n" + ValueTree(checkpoint.values).text()
    }
    if !checkpoint.metadata.isEmpty {
      output += "\n" + metadata
    }
    return output
  }

  private func tensorTable(_ checksums: [String: String]?) -> String {
    let notes = TensorNotes(checkpoint.tensors)
    var header = ["TENSOR", "DTYPE", "SHAPE", "SIZE"]
    if checksums != nil { header.append("SHA-256") }
    if !notes.isEmpty { header.append("NOTES") }
    var table = Table(header, rightAligned: [3])
    for (name, tensor) in checkpoint.tensors {
      var row = [
        Text.printable(name), tensor.dtype.rawValue,
        Text.shape(tensor.shape), Text.size(tensor.byteCount),
      ]
      if let checksums { row.append(checksums[name] ?? "no data") }
      if !notes.isEmpty { row.append(notes[name]) }
      table.add(row)
    }
    // A checksum is there to be copied: it is never shortened.
    return table.text(fitting: checksums == nil ? Terminal.width : nil)
  }

  private var totals: String {
    let tensors = checkpoint.tensors.values
    let elements = total(tensors.lazy.map(\.elementCount))
    let storages = Dictionary(
      tensors.map { (ObjectIdentifier($0.storage), $0.storage.byteCount) },
      uniquingKeysWith: { first, _ in first }
    )
    var text = Text.count(tensors.count, "tensor")
    if let parameters {
      text += ", \(Text.count(parameters, "parameter"))"
      if parameters != elements {
        text += " of \(Text.count(elements, "element"))"
      }
    } else {
      text += ", \(Text.count(elements, "element"))"
    }
    return text + ", \(Text.size(total(storages.values))) in "
      + "\(Text.count(storages.count, "storage"))\n"
  }

  private func total(_ numbers: some Sequence<Int>) -> Int {
    numbers.reduce(0) { $0.addingReportingOverflow($1).partialValue }
  }

  /// How many elements a model learns; nil for a file that is no model's.
  ///
  /// All but BatchNorm's statistics and an optimizer's state.
  private var parameters: Int? {
    let names = checkpoint.tensors.keys
    guard
      names.contains(where: {
        ["weight", "bias"].contains(Self.lastPart(of: $0))
      })
    else { return nil }
    return total(
      checkpoint.tensors.lazy.filter { !Self.isState($0.key) }
        .map(\.value.elementCount)
    )
  }

  private static func lastPart(of name: String) -> Substring {
    let dot = name.utf8.lastIndex(of: UInt8(ascii: "."))
    return name[(dot.map { name.utf8.index(after: $0) } ?? name.startIndex)...]
  }

  private static func isState(_ name: String) -> Bool {
    let statistics: Set<Substring> = [
      "running_mean", "running_var", "num_batches_tracked",
    ]
    return statistics.contains(lastPart(of: name))
      || name.hasPrefix("state.") || name.contains(".state.")
  }

  private var metadata: String {
    let limit = Terminal.width
    return checkpoint.metadata.map { key, value in
      let text =
        Text.printable("\(key): \(value.prefix(200))")
        + (value.count > 200 ? "…" : "")
      return (limit.map { TextWidth.shortened(text, to: $0) } ?? text) + "\n"
    }.joined()
  }
}

/// What is unusual about tensors, in words.
struct TensorNotes {
  private var notes: [String: String] = [:]

  /// Whether nothing is unusual.
  var isEmpty: Bool { notes.isEmpty }

  init(_ tensors: OrderedDictionary<String, Tensor>) {
    var owners: [ObjectIdentifier: String] = [:]
    for (name, tensor) in tensors {
      var facts: [String] = []
      if let quantization = tensor.quantization {
        facts.append(Self.text(of: quantization))
      }
      if tensor.device != "cpu" { facts.append(Text.printable(tensor.device)) }
      if tensor.isConjugate { facts.append("conjugate") }
      if tensor.isNegative { facts.append("negative") }
      if !tensor.layout.isContiguous { facts.append("not contiguous") }
      let storage = ObjectIdentifier(tensor.storage)
      if let owner = owners[storage] {
        facts.append("shares the storage of \(owner)")
      } else if tensor.storage.byteCount > 0 {
        // One name may be long, and thousands may share with it.
        owners[storage] = TextWidth.elided(Text.printable(name), to: 200)
      }
      if !facts.isEmpty { notes[name] = facts.joined(separator: ", ") }
    }
  }

  /// The notes on a tensor; empty for an ordinary one.
  subscript(name: String) -> String { notes[name] ?? "" }

  private static func text(of quantization: Quantization) -> String {
    switch quantization {
    case .perTensor(let scale, let zeroPoint):
      "scale \(Float(scale)), zero point \(zeroPoint)"
    case .perChannel(_, _, let axis, _): "scales along dimension \(axis)"
    }
  }
}
