internal import ONNXSchema
internal import Tensors

/// The parts of an ONNX graph as messages.
enum ONNXGraph {
  /// An operator's setting.
  enum Attribute {
    case int(String, Int)
    case ints(String, [Int])
    case float(String, Float)
  }

  /// One operator.
  ///
  /// Its output has its name.
  static func node(
    _ operation: String,
    _ inputs: [String],
    output: String,
    _ attributes: [Attribute] = []
  ) -> Onnx_NodeProto {
    var node = Onnx_NodeProto()
    node.input = inputs
    node.output = [output]
    node.name = output + "/" + operation
    node.opType = operation
    node.attribute = attributes.map(message)
    return node
  }

  private static func message(_ attribute: Attribute) -> Onnx_AttributeProto {
    var message = Onnx_AttributeProto()
    switch attribute {
    case .int(let name, let number):
      message.name = name
      message.i = Int64(number)
      message.type = .int
    case .ints(let name, let numbers):
      message.name = name
      message.ints = numbers.map(Int64.init)
      message.type = .ints
    case .float(let name, let number):
      message.name = name
      message.f = number
      message.type = .float
    }
    return message
  }

  /// A float32 tensor of the file.
  ///
  /// - Throws: What reading the tensor throws.
  static func initializer(
    _ name: String,
    _ tensor: Tensor
  ) throws -> Onnx_TensorProto {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tensor.byteCount)
    try unsafe tensor.resolved().forEachContiguousPiece { piece in
      unsafe bytes.append(contentsOf: piece)
    }
    if ByteOrder.host == .big {
      bytes = unsafe bytes.withUnsafeBytes { source in
        unsafe [UInt8](unsafeUninitializedCapacity: source.count) {
          unsafe ByteSwap.copy(
            source,
            to: UnsafeMutableRawBufferPointer($0),
            unit: tensor.dtype.swapUnit
          )
          $1 = source.count
        }
      }
    }
    var message = Onnx_TensorProto()
    message.dims = tensor.shape.map(Int64.init)
    message.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
    message.name = name
    message.setElements(bytes)
    return message
  }

  /// An input or output of float32; nil is the batch's size.
  static func value(_ name: String, shape: [Int?]) -> Onnx_ValueInfoProto {
    var value = Onnx_ValueInfoProto()
    value.name = name
    value.type.tensorType.elemType =
      Int32(Onnx_TensorProto.DataType.float.rawValue)
    value.type.tensorType.shape.dim = shape.map { size in
      var dimension = Onnx_TensorShapeProto.Dimension()
      if let size {
        dimension.dimValue = Int64(size)
      } else {
        dimension.dimParam = "N"
      }
      return dimension
    }
    return value
  }

  /// A text of the model's own.
  static func property(
    _ key: String,
    _ value: String
  ) -> Onnx_StringStringEntryProto {
    var message = Onnx_StringStringEntryProto()
    message.key = key
    message.value = value
    return message
  }
}
