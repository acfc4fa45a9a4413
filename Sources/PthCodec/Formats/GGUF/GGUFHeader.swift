internal import OrderedCollections
internal import Tensors

/// The head of a GGUF file, versions 2 and 3: typed texts, then the tensors'
/// names, shapes, types and places.
///
/// Source: ggml's docs/gguf.md.
struct GGUFHeader {
  /// One tensor's place; the range counts from the file's beginning.
  struct Entry {
    let type: GGUFType
    let shape: [Int]
    let range: Range<Int>
  }

  static let magic = Array("GGUF".utf8)
  static let alignmentKey = "general.alignment"
  static let defaultAlignment = 32

  private(set) var entries: OrderedDictionary<String, Entry> = [:]
  private(set) var metadata: OrderedDictionary<String, GGUFValue> = [:]

  /// Reads the head and checks every place against the file.
  ///
  /// - Throws: ``CheckpointError`` for a file that breaks the format or uses
  ///   what is not read.
  init(parsing bytes: ByteView) throws(CheckpointError) {
    var cursor = GGUFCursor(bytes)
    guard try cursor.bytes(4) == Self.magic else {
      throw cursor.failure("a GGUF file begins with GGUF", at: 0)
    }
    let version = try cursor.number(UInt32.self)
    guard version == 2 || version == 3 else {
      throw CheckpointError(
        .unsupported,
        version.byteSwapped <= 3
          ? "big-endian GGUF is not read"
          : "version \(version) of GGUF is neither 2 nor 3",
        offset: 4
      )
    }
    let tensorCount = try cursor.count(ofAtLeast: 24)
    let valueCount = try cursor.count(ofAtLeast: 13)
    for _ in 0..<valueCount {
      let start = cursor.position
      let key = try cursor.name()
      guard metadata[key] == nil else {
        throw cursor.failure("the key \(key) is there twice", at: start)
      }
      do {
        metadata[key] = try cursor.value()
      } catch {
        throw error.located(keyPath: key)
      }
    }
    try readTensors(tensorCount, &cursor)
  }

  /// Where tensors begin: the file's own wish, or 32.
  static func alignment(
    _ metadata: OrderedDictionary<String, GGUFValue>
  ) throws(CheckpointError) -> Int {
    guard let value = metadata[alignmentKey] else { return defaultAlignment }
    guard case .u32(let number) = value, number.nonzeroBitCount == 1,
      number <= 1 << 20
    else {
      throw CheckpointError(
        .damaged,
        "\(alignmentKey) is \(value.text), not a power of two as u32",
        keyPath: alignmentKey
      )
    }
    return Int(number)
  }

  private mutating func readTensors(
    _ count: Int,
    _ cursor: inout GGUFCursor
  ) throws(CheckpointError) {
    let alignment = try Self.alignment(metadata)
    var found: [(name: String, type: GGUFType, shape: [Int], offset: Int)] = []
    var names: Set<String> = []
    for _ in 0..<count {
      let start = cursor.position
      let name = try cursor.name()
      guard names.insert(name).inserted else {
        throw cursor.failure("the tensor \(name) is there twice", at: start)
      }
      do {
        let (type, shape, offset) = try cursor.tensor()
        found.append((name, type, shape, offset))
      } catch {
        throw error.located(keyPath: name)
      }
    }
    // Each tensor follows the one before it, as the reference demands.
    let dataStart = cursor.position.roundedUp(to: alignment)
    var end = dataStart
    for (name, type, shape, offset) in found {
      guard offset == end - dataStart else {
        throw CheckpointError(
          .damaged,
          "its offset is \(offset), but the tensor before it ends at "
            + "\(end - dataStart)",
          keyPath: name
        )
      }
      let elements = shape.reduce(1) { $0 &* $1 }
      guard let size = type.byteCount(of: elements),
        size <= cursor.total - end
      else {
        throw CheckpointError(
          .damaged,
          "its bytes are not in the file",
          offset: end,
          keyPath: name,
          hint: "the file is cut off"
        )
      }
      entries[name] = Entry(
        type: type,
        shape: shape,
        range: end..<(end + size)
      )
      end = (end + size).roundedUp(to: alignment)
    }
    guard cursor.total <= end || found.isEmpty else {
      throw cursor.failure(
        "\(cursor.total - end) bytes follow the last tensor",
        at: end
      )
    }
  }
}

extension Int {
  /// The least multiple of `alignment` from here on; the caller knows that
  /// there is one.
  func roundedUp(to alignment: Int) -> Int {
    (self &+ alignment &- 1) / alignment &* alignment
  }
}

/// Reads GGUF's parts one after the other, each checked against the end.
struct GGUFCursor {
  private let view: ByteView
  private(set) var position = 0

  init(_ view: ByteView) {
    self.view = view
  }

  /// The bytes of the whole file.
  var total: Int { view.count }

  func failure(_ message: String, at offset: Int? = nil) -> CheckpointError {
    CheckpointError(.damaged, message, offset: offset ?? position)
  }

  mutating func bytes(_ count: Int) throws(CheckpointError) -> [UInt8] {
    guard let range = Range(start: position, count: count),
      let slice = unsafe view.slice(range)
    else { throw failure("the file ends inside its head") }
    position = range.upperBound
    return unsafe Array(slice)
  }

  mutating func number<Number: FixedWidthInteger>(
    _ type: Number.Type
  ) throws(CheckpointError) -> Number {
    let bytes = try bytes(MemoryLayout<Number>.size)
    return bytes.reversed().reduce(0) {
      $0 << 8 | Number(truncatingIfNeeded: $1)
    }
  }

  /// A number of things that take at least `size` bytes each.
  mutating func count(ofAtLeast size: Int) throws(CheckpointError) -> Int {
    let start = position
    let number = try number(UInt64.self)
    guard let count = Int(exactly: number),
      count <= (view.count - position) / size
    else {
      throw failure(
        "\(number) parts of \(size) bytes or more are longer than the file",
        at: start
      )
    }
    return count
  }

  mutating func string() throws(CheckpointError) -> [UInt8] {
    try bytes(count(ofAtLeast: 1))
  }

  mutating func name() throws(CheckpointError) -> String {
    let start = position
    guard let name = String(validating: try string(), as: UTF8.self) else {
      throw failure("a name is not UTF-8", at: start)
    }
    return name
  }

  mutating func value() throws(CheckpointError) -> GGUFValue {
    try value(ofType: number(UInt32.self), depth: 0)
  }

  private mutating func value(
    ofType type: UInt32,
    depth: Int
  ) throws(CheckpointError) -> GGUFValue {
    switch type {
    case 0: return .u8(try number(UInt8.self))
    case 1: return .i8(Int8(bitPattern: try number(UInt8.self)))
    case 2: return .u16(try number(UInt16.self))
    case 3: return .i16(Int16(bitPattern: try number(UInt16.self)))
    case 4: return .u32(try number(UInt32.self))
    case 5: return .i32(Int32(bitPattern: try number(UInt32.self)))
    case 6: return .f32(try number(UInt32.self))
    case 7:
      let byte = try number(UInt8.self)
      guard byte <= 1 else { throw failure("a truth value is \(byte)") }
      return .bool(byte == 1)
    case 8: return .string(try string())
    case 9: return try array(depth: depth)
    case 10: return .u64(try number(UInt64.self))
    case 11: return .i64(Int64(bitPattern: try number(UInt64.self)))
    case 12: return .f64(try number(UInt64.self))
    default: throw failure("there is no type \(type)")
    }
  }

  private mutating func array(depth: Int) throws(CheckpointError) -> GGUFValue {
    guard depth < GGUFValue.maxDepth else {
      throw failure("arrays are nested deeper than \(GGUFValue.maxDepth)")
    }
    let type = try number(UInt32.self)
    let sizes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8]
    guard let index = Int(exactly: type), sizes.indices.contains(index) else {
      throw failure("there is no type \(type)")
    }
    let count = try count(ofAtLeast: sizes[index])
    var values: [GGUFValue] = []
    for _ in 0..<count {
      values.append(try value(ofType: type, depth: depth + 1))
    }
    return .array(type: type, values)
  }

  /// A tensor's type, its shape as PyTorch counts it, and its offset.
  mutating func tensor() throws(CheckpointError) -> (GGUFType, [Int], Int) {
    let rank = try number(UInt32.self)
    guard rank <= 8 else { throw failure("it has \(rank) dimensions") }
    var sizes: [Int] = []
    for _ in 0..<rank {
      let size = try number(UInt64.self)
      guard let size = Int(exactly: size) else {
        throw failure("a dimension is \(size)")
      }
      sizes.append(size)
    }
    let code = try number(UInt32.self)
    guard let type = GGUFType(rawValue: code) else {
      throw CheckpointError(
        .unsupported,
        "the type \(GGUFType.name(of: code)) of ggml is not read",
        offset: position - 4
      )
    }
    // ggml names the fastest dimension first.
    let shape = Array(sizes.reversed())
    do {
      _ = try Layout(contiguous: shape)
    } catch {
      throw failure("\(error)")
    }
    guard
      sizes.isEmpty && type.blockSize == 1
        || (sizes.first ?? 1) % type.blockSize == 0
    else { throw failure("a row of \(sizes) is no whole number of blocks") }
    let offset = try number(UInt64.self)
    guard let offset = Int(exactly: offset) else {
      throw failure("an offset is \(offset)")
    }
    return (type, shape, offset)
  }
}
