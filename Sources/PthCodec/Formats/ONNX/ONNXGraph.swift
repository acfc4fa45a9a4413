internal import Tensors

/// The parts of an ONNX graph as messages.
///
/// Source: onnx.proto3 of ONNX 1.x; the numbers are its fields.
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
  ) -> ProtobufMessage {
    var node = ProtobufMessage()
    for input in inputs { node.add(1, input) }
    node.add(2, output)
    node.add(3, output + "/" + operation)
    node.add(4, operation)
    for attribute in attributes { node.add(5, message(attribute)) }
    return node
  }

  private static func message(_ attribute: Attribute) -> ProtobufMessage {
    var message = ProtobufMessage()
    switch attribute {
    case .int(let name, let number):
      message.add(1, name)
      message.add(3, number)
      message.add(20, 2)
    case .ints(let name, let numbers):
      message.add(1, name)
      for number in numbers { message.add(8, number) }
      message.add(20, 7)
    case .float(let name, let number):
      message.add(1, name)
      message.add(2, number)
      message.add(20, 1)
    }
    return message
  }

  /// A tensor of the file: the number 1 is ONNX's float32.
  static func initializer(_ name: String, _ tensor: Tensor) -> ProtobufMessage {
    var message = ProtobufMessage()
    for size in tensor.shape { message.add(1, size) }
    message.add(2, 1)
    message.add(8, name)
    message.add(9, elementsOf: tensor, name: name)
    return message
  }

  /// An input or output of float32; nil is the batch's size.
  static func value(_ name: String, shape: [Int?]) -> ProtobufMessage {
    var dimensions = ProtobufMessage()
    for size in shape {
      var dimension = ProtobufMessage()
      if let size {
        dimension.add(1, size)
      } else {
        dimension.add(2, "N")
      }
      dimensions.add(1, dimension)
    }
    var tensor = ProtobufMessage()
    tensor.add(1, 1)
    tensor.add(2, dimensions)
    var type = ProtobufMessage()
    type.add(1, tensor)
    var value = ProtobufMessage()
    value.add(1, name)
    value.add(2, type)
    return value
  }

  /// A text of the model's own.
  static func property(_ key: String, _ value: String) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, key)
    message.add(2, value)
    return message
  }
}
