internal import Pickle
internal import Tensors

/// Tensors that are not one dense view: sparse, meta, nested, wrapped.
extension TensorDecoder {
  private var graph: PickleGraph { reader.graph }

  /// Reads `(layout, (indices, values, size, …))`.
  mutating func sparse(
    _ arguments: Arguments,
    _ depth: Int
  ) throws -> DecodedTensor {
    let layout = try sparseLayout(arguments[0])
    let data = Arguments(
      reader,
      graph.children(try arguments[1]),
      at: try arguments[1]
    )
    let names: [String]
    switch layout {
    case "sparse_coo": names = ["indices", "values"]
    case "sparse_csr", "sparse_bsr":
      names = ["crow_indices", "col_indices", "values"]
    case "sparse_csc", "sparse_bsc":
      names = ["ccol_indices", "row_indices", "values"]
    default:
      throw CheckpointError(.unsupported, "unknown tensor layout \(layout)")
    }
    var parts: [(name: String, tensor: Tensor)] = []
    for (index, name) in names.enumerated() {
      parts.append((name, try part(data[index], "the \(name)", depth)))
    }
    return DecodedTensor(
      content: .parts(parts),
      sparseShape: try reader.integers(data[names.count], "the size")
    )
  }

  private func sparseLayout(
    _ id: PickleGraph.NodeID
  ) throws(CheckpointError) -> String {
    if let global = graph.global(id) { return global.name }
    guard let call = reader.call(id), call.function == .layout,
      let first = call.arguments.first
    else { throw reader.fault(id, "a sparse tensor should name its layout") }
    let name = try reader.text(first, "a layout")
    return name.hasPrefix("torch.") ? String(name.dropFirst(6)) : name
  }

  /// Reads `(dtype, size, stride, requires_grad)`.
  func meta(_ arguments: Arguments) throws -> Tensor {
    try metaTensor(
      dtype: reader.dtype(arguments[0]),
      shape: reader.integers(arguments[1], "the size"),
      strides: reader.integers(arguments[2], "the stride"),
      offset: 0,
      requiresGrad: arguments.flag(3),
      device: "meta"
    )
  }

  /// Reads `(cls, dtype, size, stride, offset, layout, device, grad)`.
  func wrapper(_ arguments: Arguments) throws -> Tensor {
    let device =
      if let call = reader.call(try arguments[6]), call.function == .device {
        call.arguments.first.flatMap { graph.string($0) } ?? "meta"
      } else {
        graph.string(try arguments[6]) ?? "meta"
      }
    return try metaTensor(
      dtype: reader.dtype(arguments[1]),
      shape: reader.integers(arguments[2], "the size"),
      strides: reader.integers(arguments[3], "the stride"),
      offset: graph.int(arguments[4]) ?? 0,
      requiresGrad: arguments.flag(7),
      device: device
    )
  }

  private func metaTensor(
    dtype: DType,
    shape: [Int],
    strides: [Int],
    offset: Int,
    requiresGrad: Bool,
    device: String
  ) throws -> Tensor {
    try Self.checked {
      let layout = try Layout(shape: shape, strides: strides, offset: offset)
      return try Tensor(
        dtype: dtype,
        layout: layout,
        storage: .meta(
          byteCount: dtype.byteCount(ofElements: layout.extent) ?? 0
        ),
        device: device,
        requiresGrad: requiresGrad
      )
    }
  }

  /// Reads `(buffer, sizes, strides, storage_offsets)`.
  mutating func nested(
    _ arguments: Arguments,
    _ depth: Int
  ) throws -> DecodedTensor {
    let names = ["values", "sizes", "strides", "storage_offsets"]
    var parts: [(name: String, tensor: Tensor)] = []
    for (index, name) in names.enumerated() {
      let tensor =
        if index == 3, graph.kind(try arguments[index]) != .object {
          try Tensor(
            reader.integers(arguments[index], "the offsets").map(Int64.init)
          )
        } else {
          try part(arguments[index], "the \(name)", depth)
        }
      parts.append((name, tensor))
    }
    return DecodedTensor(content: .parts(parts))
  }

  /// `(data, dtype, device, requires_grad)`, data on the host.
  mutating func fromDevice(
    _ arguments: Arguments,
    _ depth: Int
  ) throws -> DecodedTensor {
    let data = try part(arguments[0], "the data", depth)
    let dtype = try reader.dtype(arguments[1])
    var tensor = data.dtype == dtype ? data : try data.converted(to: dtype)
    tensor.device = graph.string(try arguments[2]) ?? tensor.device
    tensor.requiresGrad = try arguments.flag(3)
    return DecodedTensor(tensor)
  }
}
