internal import Tensors

/// The head of a npy file, versions 1 to 3: a magic number, a version, the
/// length of a Python dictionary in text, and that text.
///
/// Source: NumPy Enhancement Proposal 1 and `numpy/lib/_format_impl.py`.
struct NPYHeader {
  let dtype: DType
  let layout: Layout
  let order: ByteOrder

  /// The bytes before the first element.
  let size: Int

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// The longest text that is read: no array of numbers needs more.
  private static let maxTextSize = 1 << 16

  /// Whether bytes begin as a npy file does.
  static func recognizes(_ head: [UInt8]) -> Bool { head.starts(with: magic) }

  /// Reads the head of an array.
  ///
  /// - Parameters:
  ///   - head: The first bytes of the array, as many as there are, or enough.
  ///   - total: The bytes of the whole array.
  /// - Throws: ``CheckpointError`` for what is no npy file, for elements that
  ///   are no numbers, and where `total` is not what the shape needs.
  init(parsing head: [UInt8], total: Int) throws(CheckpointError) {
    guard Self.recognizes(head), head.count >= 10 else {
      throw CheckpointError(
        .damaged,
        "an array begins with \\x93NUMPY, a version and a length",
        offset: 0
      )
    }
    let version = head[6]
    guard 1...3 ~= version, head[7] == 0 else {
      throw CheckpointError(
        .unsupported,
        "version \(version).\(head[7]) of npy is none of 1.0, 2.0 and 3.0",
        offset: 6
      )
    }
    let start = version == 1 ? 10 : 12
    guard head.count >= start else {
      throw CheckpointError(.damaged, "the head is cut off", offset: 8)
    }
    let textSize = head[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard textSize <= Self.maxTextSize else {
      throw CheckpointError(
        .limit,
        "the head has \(textSize) bytes, more than \(Self.maxTextSize)",
        offset: 8
      )
    }
    guard head.count >= start + textSize else {
      throw CheckpointError(
        .damaged,
        "the head has \(textSize) bytes, but the file ends before them",
        offset: 8
      )
    }
    size = start + textSize
    var parser = NPYDictionary(Array(head[start..<size]), base: start)
    let fields = try parser.parse()
    do {
      (dtype, order) = try NumPyDType.parse(fields.descr)
    } catch {
      var located = error
      located.offset = start
      throw located
    }
    var strides = Layout.contiguousStrides(of: fields.shape)
    if fields.isFortran {
      strides = Layout.contiguousStrides(of: fields.shape.reversed()).reversed()
    }
    do {
      layout = try Layout(shape: fields.shape, strides: strides)
    } catch {
      throw CheckpointError(.damaged, "\(error)", offset: start)
    }
    let available = total - size
    guard dtype.byteCount(ofElements: layout.elementCount) == available else {
      throw CheckpointError(
        .damaged,
        "shape \(fields.shape) of \(dtype) does not take the \(available) "
          + "bytes that follow the head",
        offset: size,
        hint: "the array is cut off or has bytes too many"
      )
    }
  }

  /// The most bytes that a head can have.
  static var maxSize: Int { maxTextSize + 12 }

  /// The head that numpy writes for an array.
  ///
  /// - Throws: ``CheckpointError`` for a dtype that NumPy lacks.
  static func bytes(
    _ dtype: DType,
    shape: [Int],
    isFortran: Bool
  ) throws(CheckpointError) -> [UInt8] {
    guard let descr = NumPyDType.text(of: dtype) else {
      throw CheckpointError(
        .unsupported,
        "NumPy has no \(dtype)",
        hint: "convert it with --dtype float32, for example"
      )
    }
    let sizes = shape.map(String.init)
    let tuple =
      sizes.count == 1
      ? "(\(sizes[0]),)" : "(" + sizes.joined(separator: ", ") + ")"
    var text =
      "{'descr': '\(descr)', 'fortran_order': \(isFortran ? "True" : "False"), "
      + "'shape': \(tuple), }"
    // Room for the axis that grows when rows are appended in place.
    if let growing = isFortran ? sizes.last : sizes.first {
      text += String(repeating: " ", count: max(0, 21 - growing.utf8.count))
    }
    let isLong = text.utf8.count + 1 + 64 > 0xffff
    let start = isLong ? 12 : 10
    let padding = 64 - (start + text.utf8.count + 1) % 64
    text += String(repeating: " ", count: padding) + "\n"
    var bytes = magic + [isLong ? 2 : 1, 0]
    if isLong {
      bytes.append(littleEndian: UInt32(truncatingIfNeeded: text.utf8.count))
    } else {
      bytes.append(littleEndian: UInt16(truncatingIfNeeded: text.utf8.count))
    }
    return bytes + Array(text.utf8)
  }
}
