internal import Pickle
internal import Tensors

/// Turns nodes into plain values and their Python type names.
extension GraphReader {
  /// The plain value of a node that holds no other values.
  ///
  /// - Returns: The value and its type's name; nil for a container or object.
  func leaf(
    _ id: PickleGraph.NodeID
  ) -> (type: String, value: PlainValue)? {
    switch graph.kind(id) {
    case .none: ("NoneType", .none)
    case .bool: ("bool", .bool(graph.bool(id) ?? false))
    case .int: ("int", .int(graph.int(id) ?? 0))
    case .bigInt: ("int", bigInt(graph.bigIntBytes(id) ?? []))
    case .float: ("float", .float(graph.float(id) ?? 0))
    case .string:
      ("str", graph.string(id).map { .string($0) } ?? stringBytes(id))
    case .bytes: ("bytes", .bytes(graph.bytes(id) ?? []))
    case .byteArray: ("bytearray", .bytes(graph.bytes(id) ?? []))
    case .global: globalValue(id)
    case .persistentID: ("torch.storage", .described("a storage"))
    case .extension:
      ("extension", .described("code \(graph.extensionCode(id) ?? 0)"))
    case .buffer:
      (
        "buffer",
        .described("buffer \(graph.bufferIndex(id) ?? 0), out of band")
      )
    case .list, .tuple, .dict, .set, .frozenSet, .object: nil
    }
  }

  /// Text that is no valid Unicode: its bytes.
  private func stringBytes(_ id: PickleGraph.NodeID) -> PlainValue {
    .bytes(graph.stringBytes(id) ?? [])
  }

  private func globalValue(
    _ id: PickleGraph.NodeID
  ) -> (type: String, value: PlainValue) {
    guard let (module, name) = graph.global(id) else {
      return ("global", .described("a global"))
    }
    if module == "torch", DType(torchName: name) != nil {
      return ("torch.dtype", .string("torch.\(name)"))
    }
    return ("global", .described("\(module).\(name)"))
  }

  /// Calls `body` with the UTF-8 of a mapping's key where it is a text of
  /// usual length, which ``keyText(_:)`` would copy.
  ///
  /// - Returns: Whether `body` was called.
  func withKeyBytes(
    _ id: PickleGraph.NodeID,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    guard graph.kind(id) == .string, !graph.hasSurrogates(id) else {
      return false
    }
    return unsafe graph.withUnsafeBytes(of: id) { bytes in
      guard bytes.count <= Self.longestKey else { return false }
      unsafe body(bytes)
      return true
    } ?? false
  }

  /// The bytes of the longest key that is shown whole.
  private static var longestKey: Int { 2000 }

  /// The text that Python's `str` gives for a mapping's key.
  func keyText(_ id: PickleGraph.NodeID) -> String {
    switch graph.kind(id) {
    case .none: return "None"
    case .bool: return graph.bool(id) == true ? "True" : "False"
    case .int: return String(graph.int(id) ?? 0)
    case .bigInt:
      if case .bigInt(let digits) = bigInt(graph.bigIntBytes(id) ?? []) {
        return digits
      }
      return "(a large integer)"
    case .float: return graph.float(id).map { "\($0)" } ?? ""
    case .string:
      let text =
        graph.string(id)
        ?? String(decoding: graph.stringBytes(id) ?? [], as: UTF8.self)
      // Thousands of nested mappings may share one key: see PathBuffer.
      guard text.utf8.count > Self.longestKey else { return text }
      return text.prefix(400) + "...(\(text.utf8.count) bytes)..."
        + text.suffix(400)
    case .bytes, .byteArray:
      return bytesText(graph.bytes(id) ?? [])
    case .tuple:
      // Only one level is spelled out: a key's depth is a file's to choose.
      let parts = graph.children(id).prefix(8).map { child in
        graph.kind(child) == .tuple ? "(…)" : keyText(child)
      }
      return "(" + parts.joined(separator: ", ") + ")"
    case .global:
      return graph.global(id).map { "\($0.module).\($0.name)" } ?? "global"
    case .object:
      return bytes(id).map { bytesText($0) } ?? "<\(typeName(id))>"
    case .list, .dict, .set, .frozenSet, .persistentID, .extension, .buffer:
      return "<\(typeName(id))>"
    }
  }

  /// Python's `repr` of bytes: other bytes have another text.
  private func bytesText(_ bytes: [UInt8]) -> String {
    guard bytes.count <= Self.longestKey else {
      return bytesText(Array(bytes.prefix(100)))
        + "...(\(bytes.count) bytes)..." + bytesText(Array(bytes.suffix(100)))
    }
    return unsafe bytes.withUnsafeBytes { unsafe PythonRepr.bytes($0) }
  }

  /// Python's name of a node's type.
  func typeName(_ id: PickleGraph.NodeID) -> String {
    switch graph.kind(id) {
    case .list: return "list"
    case .tuple: return "tuple"
    case .dict: return "dict"
    case .set: return "set"
    case .frozenSet: return "frozenset"
    case .object:
      switch call(id)?.function {
      case .set: return "set"
      case .frozenSet: return "frozenset"
      case .orderedDict: return "OrderedDict"
      case .defaultDict: return "defaultdict"
      case .counter: return "Counter"
      default: break
      }
      guard let object = graph.object(id) else { return "object" }
      if let global = graph.global(object.callable) {
        // copyreg._reconstructor(cls, object, None) makes a `cls`.
        if global.name == "_reconstructor",
          let first = graph.children(object.arguments).first,
          let type = graph.global(first)
        {
          return "\(type.module).\(type.name)"
        }
        return "\(global.module).\(global.name)"
      }
      return "object"
    default: return leaf(id)?.type ?? "object"
    }
  }

  /// The decimal digits of a two's complement, little-endian integer.
  private func bigInt(_ bytes: [UInt8]) -> PlainValue {
    // Decimal digits take quadratic time, and a file may claim any size.
    guard bytes.count <= Self.longestInteger else {
      return .described("an integer of \(bytes.count) bytes")
    }
    return .bigInt(TwosComplement.decimal(bytes))
  }

  /// The bytes of the longest integer that is shown whole: 4096 bits and more.
  private static var longestInteger: Int { 520 }
}
