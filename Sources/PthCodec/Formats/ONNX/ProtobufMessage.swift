internal import Tensors

/// A Protocol Buffers message on its way into a file.
///
/// Large tensors stay where they are until the message is written. Only what
/// ONNX needs is here, by hand: generated code would keep every weight in
/// memory, and needs Foundation. Source: "Encoding" in the Protocol Buffers
/// documentation.
struct ProtobufMessage {
  private enum Chunk {
    case bytes([UInt8])
    case tensor(Tensor, name: String)
  }

  private var chunks: [Chunk] = []

  /// The message's bytes.
  private(set) var size = 0

  private enum WireType: UInt64 {
    case varint = 0
    case length = 2
    case fixed32 = 5
  }

  private mutating func append(_ bytes: [UInt8]) {
    size += bytes.count
    if case .bytes(var last)? = chunks.last {
      last += bytes
      chunks[chunks.count - 1] = .bytes(last)
    } else {
      chunks.append(.bytes(bytes))
    }
  }

  private mutating func appendVarint(_ number: UInt64) {
    var rest = number
    var bytes: [UInt8] = []
    repeat {
      let low = UInt8(truncatingIfNeeded: rest & 0x7f)
      rest >>= 7
      bytes.append(rest == 0 ? low : low | 0x80)
    } while rest != 0
    append(bytes)
  }

  private mutating func appendKey(_ field: UInt64, _ type: WireType) {
    appendVarint(field << 3 | type.rawValue)
  }

  /// Adds an integer or an enumeration's number.
  mutating func add(_ field: UInt64, _ number: Int) {
    appendKey(field, .varint)
    appendVarint(UInt64(bitPattern: Int64(number)))
  }

  /// Adds a float.
  mutating func add(_ field: UInt64, _ number: Float) {
    appendKey(field, .fixed32)
    var bytes: [UInt8] = []
    bytes.append(littleEndian: number.bitPattern)
    append(bytes)
  }

  /// Adds a string.
  mutating func add(_ field: UInt64, _ string: String) {
    let bytes = Array(string.utf8)
    appendKey(field, .length)
    appendVarint(UInt64(bytes.count))
    append(bytes)
  }

  /// Adds a message inside this one.
  mutating func add(_ field: UInt64, _ message: ProtobufMessage) {
    appendKey(field, .length)
    appendVarint(UInt64(message.size))
    for chunk in message.chunks {
      switch chunk {
      case .bytes(let bytes): append(bytes)
      case .tensor(let tensor, _):
        chunks.append(chunk)
        size += tensor.byteCount
      }
    }
  }

  /// Adds a tensor's elements as bytes, little-endian, in row-major order.
  mutating func add(_ field: UInt64, elementsOf tensor: Tensor, name: String) {
    appendKey(field, .length)
    appendVarint(UInt64(tensor.byteCount))
    chunks.append(.tensor(tensor, name: name))
    size += tensor.byteCount
  }

  /// Writes the message.
  func write(to file: TensorFile) throws {
    for chunk in chunks {
      switch chunk {
      case .bytes(let bytes): try file.write(bytes)
      case .tensor(let tensor, let name): try file.write(tensor, named: name)
      }
    }
  }
}
