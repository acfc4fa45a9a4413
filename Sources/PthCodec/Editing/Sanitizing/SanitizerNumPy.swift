internal import Pickle
internal import Tensors

/// NumPy's scalars, arrays and dtypes.
extension Sanitizer {
  mutating func rewriteScalar(
    _ id: NodeID,
    _ nodes: PickleGraph.Children
  ) throws(CheckpointError) {
    do {
      let arguments = Arguments(reader, nodes, at: id)
      if let scalar = try NumpyDecoder(reader).scalar(arguments) {
        let new: NodeID
        let type: String
        switch scalar.value {
        case .bool(let value):
          (new, type) = (editor.graph.addBool(value), "bool")
        case .int(let value): (new, type) = (editor.graph.addInt(value), "int")
        case .float(let value):
          (new, type) = (editor.graph.addFloat(value), "float")
        case .bigInt(let digits):
          guard let value = UInt64(digits) else {
            throw refusal(id, scalar.type)
          }
          let bytes = (0..<8).map {
            UInt8(truncatingIfNeeded: value >> ($0 * 8))
          }
          (new, type) = (editor.graph.addBigInt(bytes + [0]), "int")
        default:
          guard let complex = try complexNumber(arguments) else {
            throw refusal(id, scalar.type)
          }
          (new, type) = (complex, "complex")
        }
        return try replace(id, with: new, from: scalar.type, to: type)
      }
      // Text and bytes have a scalar type too.
      let texts = try TextArray(
        reader,
        dtype: arguments[0],
        count: 1,
        data: arguments[1]
      )
      guard let texts else {
        throw refusal(id, "a scalar of a NumPy type without a plain value")
      }
      try replace(
        id,
        with: texts.nodes(in: &editor)[0],
        from: texts.isText ? "numpy.str_" : "numpy.bytes_",
        to: texts.isText ? "str" : "bytes"
      )
    } catch let error as CheckpointError {
      throw error.located(keyPath: path(of: id))
    } catch {
      throw refusal(id, "a NumPy scalar (\(error))")
    }
  }

  private mutating func complexNumber(
    _ arguments: Arguments
  ) throws -> NodeID? {
    guard let bytes = reader.bytes(try arguments[1]),
      NumpyDecoder(reader).dtypeCode(try arguments[0])?.mark != ">"
    else { return nil }
    let parts: [Double]
    switch bytes.count {
    case 16:
      parts = [0, 8].map { start in
        Double(
          bitPattern: bytes[start..<(start + 8)].reversed().reduce(0) {
            $0 << 8 | UInt64($1)
          }
        )
      }
    case 8:
      parts = [0, 4].map { start in
        Double(
          Float(
            bitPattern: bytes[start..<(start + 4)].reversed().reduce(0) {
              $0 << 8 | UInt32($1)
            }
          )
        )
      }
    default: return nil
    }
    return editor.call(
      "__builtin__",
      "complex",
      parts.map { editor.graph.addFloat($0) }
    )
  }

  mutating func rewriteArray(
    _ id: NodeID,
    _ function: TorchFunction,
    _ nodes: PickleGraph.Children
  ) throws(CheckpointError) {
    do {
      let arguments = Arguments(reader, nodes, at: id)
      if let array = try NumpyDecoder(reader).array(id, function, arguments) {
        return try replace(
          id,
          with: editor.addTensor(array),
          from: "numpy.ndarray",
          to: "tensor \(array.dtype)"
        )
      }
      let parts: (shape: NodeID, dtype: NodeID, fortran: Bool, data: NodeID)
      if function == .numpyFromBuffer {
        let isFortran = original.string(try arguments[3], equals: "F")
        parts = try (arguments[2], arguments[1], isFortran, arguments[0])
      } else {
        guard let state = original.object(id)?.state else {
          throw refusal(id, "an array without data")
        }
        let list = Arguments(reader, original.children(state), at: state)
        let isFortran = original.bool(try list[3]) ?? false
        parts = try (list[1], list[2], isFortran, list[4])
      }
      let shape = try reader.integers(parts.shape, "an array's shape")
      guard shape.count <= 64 else {
        throw refusal(id, "an array of \(shape.count) dimensions")
      }
      let elements = try elements(id, shape, parts.dtype, parts.data)
      guard !parts.fortran || shape.count < 2 else {
        throw refusal(id, "an array of texts or objects in Fortran order")
      }
      try replace(
        id,
        with: elements.isEmpty
          ? editor.graph.addList() : nested(elements[...], shape[...]),
        from: "numpy.ndarray",
        to: "list"
      )
    } catch let error as CheckpointError {
      throw error.located(keyPath: path(of: id))
    } catch {
      throw refusal(id, "a NumPy array (\(error))")
    }
  }

  /// The elements of an array of texts or objects.
  private mutating func elements(
    _ id: NodeID,
    _ shape: [Int],
    _ dtype: NodeID,
    _ data: NodeID
  ) throws -> [NodeID] {
    let count = try Layout(contiguous: shape).elementCount
    if original.kind(data) == .list {
      let objects = Array(original.children(data))
      guard objects.count == count else {
        throw refusal(id, "an array of \(count) objects with \(objects.count)")
      }
      return objects
    }
    guard
      let texts = try TextArray(reader, dtype: dtype, count: count, data: data)
    else { throw refusal(id, "an array of a NumPy type without plain values") }
    return try texts.nodes(in: &editor)
  }

  private mutating func nested(
    _ elements: ArraySlice<NodeID>,
    _ shape: ArraySlice<Int>
  ) -> NodeID {
    guard let count = shape.first else {
      return elements.first ?? editor.graph.addNone()
    }
    let size = count > 0 ? elements.count / count : 0
    let rest = shape.dropFirst()
    let parts = (0..<count).map { index in
      let start = elements.startIndex + index * size
      return nested(elements[start..<(start + size)], rest)
    }
    return editor.graph.addList(parts)
  }
}

/// An array of texts or bytes of a fixed length each.
///
/// Source: NumPy's dtypes `U` (UTF-32 with zeros at the end) and `S`.
private struct TextArray {
  let isText: Bool
  private let items: [ArraySlice<UInt8>]
  private let isBig: Bool

  init?(
    _ reader: GraphReader,
    dtype: PickleGraph.NodeID,
    count: Int,
    data: PickleGraph.NodeID
  ) throws {
    guard let (code, mark) = NumpyDecoder(reader).dtypeCode(dtype),
      let kind = code.first, kind == "U" || kind == "S",
      let length = Int(code.dropFirst()), let bytes = reader.bytes(data)
    else { return nil }
    isText = kind == "U"
    isBig = mark == ">"
    let (size, overflow) = length.multipliedReportingOverflow(
      by: isText ? 4 : 1
    )
    let (total, tooLarge) = size.multipliedReportingOverflow(by: count)
    guard !overflow, !tooLarge, size >= 0, total == bytes.count else {
      throw CheckpointError(.damaged, "an array of texts has too few bytes")
    }
    items = (0..<count).map { bytes[($0 * size)..<(($0 + 1) * size)] }
  }

  func nodes(in editor: inout GraphEditor) throws -> [PickleGraph.NodeID] {
    try items.map { item in
      guard isText else {
        let end = item.lastIndex { $0 != 0 }.map { $0 + 1 } ?? item.startIndex
        let bytes = Array(item[..<end])
        return bytes.isEmpty
          ? editor.emptyBytes() : editor.graph.addBytes(bytes)
      }
      var text = ""
      for start in stride(from: item.startIndex, to: item.endIndex, by: 4) {
        let bytes = item[start..<(start + 4)]
        let code = (isBig ? Array(bytes) : bytes.reversed())
          .reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard code != 0 else { continue }
        guard let scalar = Unicode.Scalar(code) else {
          throw CheckpointError(
            .damaged,
            "an array has text that is no Unicode"
          )
        }
        text.unicodeScalars.append(scalar)
      }
      return editor.text(text)
    }
  }
}
