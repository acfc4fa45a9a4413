internal import Pickle
internal import Tensors

/// Reads NumPy's arrays and scalars inside a pickle.
///
/// Source: `ndarray.__reduce__`, `dtype.__reduce__` and `_frombuffer` of NumPy
/// 1.24 and 2.x.
struct NumpyDecoder {
  let reader: GraphReader

  init(_ reader: GraphReader) {
    self.reader = reader
  }

  private var graph: PickleGraph { reader.graph }

  /// A NumPy dtype: the elements and the order of their bytes.
  struct Element {
    var dtype: DType
    var byteOrder: ByteOrder
  }

  /// The array that a call makes.
  ///
  /// - Returns: The array as a tensor; nil for arrays of objects, texts or
  ///   records, which no tensor can hold.
  func array(
    _ id: PickleGraph.NodeID,
    _ function: TorchFunction,
    _ arguments: Arguments
  ) throws -> Tensor? {
    if function == .numpyFromBuffer {
      // (buffer, dtype, shape, order)
      guard let element = element(try arguments[1]) else { return nil }
      return try tensor(
        element,
        shape: reader.integers(arguments[2], "an array's shape"),
        isFortran: graph.string(try arguments[3], equals: "F"),
        bytes: arguments[0]
      )
    }
    // The state is (version, shape, dtype, is_fortran, data).
    guard
      let state = graph.object(id)?.state, graph.kind(state) == .tuple
    else { return nil }
    let parts = Arguments(reader, graph.children(state), at: state)
    guard let element = element(try parts[2]) else { return nil }
    return try tensor(
      element,
      shape: reader.integers(parts[1], "an array's shape"),
      isFortran: graph.bool(parts[3]) ?? false,
      bytes: parts[4]
    )
  }

  private func tensor(
    _ element: Element,
    shape: [Int],
    isFortran: Bool,
    bytes id: PickleGraph.NodeID
  ) throws -> Tensor {
    guard let bytes = reader.bytes(id) else {
      throw reader.fault(id, "an array's data should be bytes")
    }
    return try TensorDecoder.checked {
      // Column by column is row by row with the dimensions turned round.
      let layout =
        try isFortran
        ? Layout(contiguous: shape.reversed()).reversed()
        : Layout(contiguous: shape)
      return try Tensor(
        dtype: element.dtype,
        layout: layout,
        storage: Storage(bytes)
          .inHostOrder(from: element.byteOrder, dtype: element.dtype)
      )
    }
  }

  /// The value of a scalar `(dtype, bytes)` and its type's name.
  func scalar(
    _ arguments: Arguments
  ) throws -> (type: String, value: PlainValue)? {
    guard
      let element = element(try arguments[0]),
      let bytes = reader.bytes(try arguments[1]),
      bytes.count == element.dtype.itemSize
    else { return nil }
    let tensor = try Tensor(
      dtype: element.dtype,
      layout: Layout(contiguous: []),
      storage: Storage(bytes)
        .inHostOrder(from: element.byteOrder, dtype: element.dtype)
    )
    let name = "numpy.\(element.dtype == .bool ? "bool_" : "\(element.dtype)")"
    return (name, try tensor.scalarValue() ?? .described("\(bytes)"))
  }

  /// An array in words, where no tensor can hold it: texts and records.
  ///
  /// - Returns: Dtype and shape; nil for an array of objects, whose parts say
  ///   more, and for what is no array.
  func arrayText(_ id: PickleGraph.NodeID) -> String? {
    // The state is (version, shape, dtype, is_fortran, data).
    guard let state = graph.object(id)?.state, graph.kind(state) == .tuple,
      graph.children(state).count > 4
    else { return nil }
    let parts = Array(graph.children(state))
    guard let name = dtypeName(parts[2]), !name.hasPrefix("O"),
      graph.kind(parts[4]) != .list,
      let shape = try? reader.integers(parts[1], "an array's shape")
    else { return nil }
    return "\(name) \(shape)"
  }

  /// A dtype's name, such as `float32`; of one that no tensor has, and of one
  /// in the other byte order, NumPy's code, such as `<U2` and `>f4`.
  func dtypeName(_ id: PickleGraph.NodeID) -> String? {
    guard let (code, mark) = dtypeCode(id) else { return nil }
    if let element = element(id), element.byteOrder == .little {
      return element.dtype.rawValue
    }
    return (mark == "<" || mark == ">" ? mark ?? "" : "") + code
  }

  /// The dtype that `numpy dtype(code, …)` and its state describe.
  private func element(_ id: PickleGraph.NodeID) -> Element? {
    guard let (code, mark) = dtypeCode(id),
      let dtype = NumPyDType.dtype(ofCode: code)
    else { return nil }
    return Element(dtype: dtype, byteOrder: mark == ">" ? .big : .little)
  }

  /// The code of `numpy dtype(code, …)`, such as `f4`, and the mark of its byte
  /// order: '<', '>', '|' or '='.
  func dtypeCode(
    _ id: PickleGraph.NodeID
  ) -> (code: String, mark: String?)? {
    guard
      let object = graph.object(id), let global = graph.global(object.callable),
      global.module == "numpy", global.name == "dtype",
      let first = graph.children(object.arguments).first,
      let code = graph.string(first)
    else { return nil }
    // The state is (version, order, …).
    guard let state = object.state, graph.kind(state) == .tuple else {
      return (code, nil)
    }
    let mark = graph.children(state).dropFirst().first
    return (code, mark.flatMap { graph.string($0) })
  }
}

extension Tensor {
  /// The only element of a tensor as a Python value.
  ///
  /// - Returns: The number; nil for dtypes that are no plain numbers.
  /// - Throws: What reading the storage throws.
  func scalarValue() throws -> PlainValue? {
    guard elementCount == 1 else { return nil }
    switch dtype {
    case .bool:
      return try unsafe withContiguousBytes { bytes in
        unsafe .bool(bytes.first != 0)
      }
    case .float64: return try .float(elements(as: Double.self)[0])
    case .uint64:
      let number = try elements(as: UInt64.self)[0]
      return Int(exactly: number).map { .int($0) } ?? .bigInt("\(number)")
    case let dtype where dtype.isInteger:
      return try .int(Int(converted(to: .int64).elements(as: Int64.self)[0]))
    case let dtype where dtype.isFloatingPoint:
      return try .float(converted(to: .float64).elements(as: Double.self)[0])
    default: return nil
    }
  }
}
