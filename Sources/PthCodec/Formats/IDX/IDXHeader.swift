internal import Tensors

/// The head of an IDX file: two zeros, the elements' type, the number of
/// dimensions, then each dimension as a big-endian number of 32 bits.
///
/// Source: "The IDX file format" at the end of
/// <http://yann.lecun.com/exdb/mnist/>.
struct IDXHeader {
  let dtype: DType
  let layout: Layout

  /// The types by their codes.
  private static let types: [(code: UInt8, dtype: DType)] = [
    (0x08, .uint8), (0x09, .int8), (0x0b, .int16), (0x0c, .int32),
    (0x0d, .float32), (0x0e, .float64),
  ]

  /// Whether bytes begin as an IDX file does.
  static func recognizes(_ head: [UInt8]) -> Bool {
    head.count >= 4 && head[0] == 0 && head[1] == 0
      && types.contains { $0.code == head[2] }
  }

  /// The bytes before the first element.
  var headerSize: Int { 4 + 4 * layout.rank }

  /// Reads the head, and checks that exactly its elements follow.
  ///
  /// - Parameter bytes: The whole file.
  /// - Throws: ``CheckpointError`` for what is not an IDX file.
  init(parsing bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    let head = unsafe Array(bytes.prefix(4 + 4 * 255))
    guard head.count >= 4, head[0] == 0, head[1] == 0 else {
      throw CheckpointError(
        .damaged,
        "an IDX file begins with two zeros, a type and a rank",
        offset: 0
      )
    }
    guard let type = Self.types.first(where: { $0.code == head[2] }) else {
      throw CheckpointError(
        .damaged,
        "\(head[2]) is not one of the type codes 8, 9, 11, 12, 13 and 14",
        offset: 2
      )
    }
    let rank = Int(head[3])
    guard head.count >= 4 + 4 * rank else {
      throw CheckpointError(
        .damaged,
        "the file ends inside its \(rank) dimensions",
        offset: head.count
      )
    }
    let shape = (0..<rank).map { index in
      head[(4 + 4 * index)..<(8 + 4 * index)].reduce(0) { $0 << 8 | Int($1) }
    }
    do {
      layout = try Layout(contiguous: shape)
    } catch {
      throw CheckpointError(.damaged, "\(error)", offset: 4)
    }
    dtype = type.dtype
    let available = bytes.count - headerSize
    guard dtype.byteCount(ofElements: layout.elementCount) == available else {
      throw CheckpointError(
        .damaged,
        "shape \(shape) of \(dtype) does not take the \(available) bytes that "
          + "follow the header",
        offset: headerSize,
        hint: "the file is cut off or has bytes too many"
      )
    }
  }

  /// The head of a file that holds `tensor`.
  static func bytes(for tensor: Tensor) throws(CheckpointError) -> [UInt8] {
    guard let type = types.first(where: { $0.dtype == tensor.dtype }) else {
      throw CheckpointError(
        .unsupported,
        "IDX has no \(tensor.dtype)",
        hint: "convert it with --dtype to one of "
          + types.map(\.dtype.rawValue).joined(separator: ", ")
      )
    }
    guard let rank = UInt8(exactly: tensor.shape.count) else {
      throw CheckpointError(
        .unsupported,
        "IDX has at most 255 dimensions, the tensor \(tensor.shape.count)"
      )
    }
    var bytes: [UInt8] = [0, 0, type.code, rank]
    for size in tensor.shape {
      guard let size = UInt32(exactly: size) else {
        throw CheckpointError(
          .unsupported,
          "IDX counts a dimension in 32 bits; \(size) is larger"
        )
      }
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
    }
    return bytes
  }
}
