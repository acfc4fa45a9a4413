internal import OrderedCollections
internal import Tensors

/// The JSON header of a safetensors file: its length in 8 bytes, then the text.
///
/// Source: <https://github.com/huggingface/safetensors#format>; the checks are
/// the reference's own, and a key that is there twice is refused.
struct SafetensorsHeader {
  /// One tensor's place; the range counts from the end of the header.
  struct Entry {
    let dtype: DType
    let layout: Layout
    let range: Range<Int>
  }

  private(set) var entries: OrderedDictionary<String, Entry> = [:]
  private(set) var metadata: OrderedDictionary<String, String> = [:]

  /// The position of the first tensor's bytes in the file.
  let dataStart: Int

  /// The longest header that the reference takes.
  static let maxSize = 100_000_000

  /// The key of the texts.
  static let metadataKey = "__metadata__"

  /// Whether a file begins as a safetensors file does.
  static func recognizes(_ input: CheckpointInput) -> Bool {
    guard let count = input.file?.count, let size = size(in: input.head) else {
      return false
    }
    return size >= 2 && size <= maxSize && size <= count - 8
      && input.head.count > 8 && input.head[8] == UInt8(ascii: "{")
  }

  /// The length of the header that a file's first bytes tell.
  static func size(in head: [UInt8]) -> Int? {
    guard head.count >= 8 else { return nil }
    let size = head.prefix(8).reversed().reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    return Int(exactly: size)
  }

  /// Reads the header and checks that its tensors are the rest of the file.
  ///
  /// - Throws: ``CheckpointError`` for what the reference refuses too.
  init(of file: MappedFile) throws(CheckpointError) {
    let start = unsafe file.withUnsafeBytes { unsafe Array($0.prefix(8)) }
    guard let size = Self.size(in: start), size <= Self.maxSize else {
      throw CheckpointError(
        .damaged,
        start.count < 8
          ? "the file ends inside the header's length"
          : "the header is longer than \(Self.maxSize) bytes",
        offset: 0
      )
    }
    guard size <= file.count - 8 else {
      throw CheckpointError(
        .damaged,
        "the header has \(size) bytes, the file only \(file.count - 8) more",
        offset: 0,
        hint: "the file is cut off"
      )
    }
    dataStart = 8 + size
    let text = unsafe file.withUnsafeBytes { unsafe Array($0[8..<(8 + size)]) }
    guard text.first == UInt8(ascii: "{") else {
      throw CheckpointError(
        .damaged,
        "the header does not begin with {",
        offset: 8
      )
    }
    var reader = JSONReader(text, base: 8)
    try reader.readObject { key, reader throws(CheckpointError) in
      do throws(CheckpointError) {
        if key == Self.metadataKey {
          try readMetadata(&reader)
        } else {
          entries[key] = try Self.readEntry(&reader)
        }
      } catch {
        throw error.located(keyPath: key)
      }
    }
    try reader.expectEnd()
    try checkCoverage(bytes: file.count - dataStart)
  }

  private mutating func readMetadata(
    _ reader: inout JSONReader
  ) throws(CheckpointError) {
    try reader.readObject { key, reader throws(CheckpointError) in
      metadata[key] = try reader.readString()
    }
  }

  private static func readEntry(
    _ reader: inout JSONReader
  ) throws(CheckpointError) -> Entry {
    var dtype: DType?
    var shape: [Int]?
    var offsets: [Int] = []
    try reader.readObject { key, reader throws(CheckpointError) in
      switch key {
      case "dtype":
        dtype = try SafetensorsDType.dtype(named: reader.readString())
      case "shape": shape = try readCounts(&reader)
      case "data_offsets": offsets = try readCounts(&reader)
      default: try reader.skipValue()
      }
    }
    guard let dtype, let shape, offsets.count == 2, offsets[0] <= offsets[1]
    else {
      throw reader.failure(
        "a tensor needs dtype, shape and two data_offsets in order"
      )
    }
    let stored = try storedShape(shape, dtype, reader)
    let layout: Layout
    do {
      layout = try Layout(contiguous: stored)
    } catch {
      throw reader.failure("\(error)")
    }
    let size = offsets[1] - offsets[0]
    guard dtype.byteCount(ofElements: layout.elementCount) == size else {
      throw reader.failure(
        "shape \(shape) of \(dtype) does not take the \(size) bytes of its "
          + "data_offsets"
      )
    }
    return Entry(
      dtype: dtype,
      layout: layout,
      range: offsets[0]..<offsets[1]
    )
  }

  private static func readCounts(
    _ reader: inout JSONReader
  ) throws(CheckpointError) -> [Int] {
    var counts: [Int] = []
    try reader.readArray { reader throws(CheckpointError) in
      counts.append(try reader.readCount())
    }
    return counts
  }

  /// PyTorch counts pairs of 4-bit numbers, the header single ones.
  private static func storedShape(
    _ shape: [Int],
    _ dtype: DType,
    _ reader: JSONReader
  ) throws(CheckpointError) -> [Int] {
    guard dtype == .float4E2M1FNx2 else { return shape }
    guard let last = shape.last, last % 2 == 0 else {
      throw reader.failure("the last dimension of F4 must be even")
    }
    return shape.dropLast() + [last / 2]
  }

  /// Checks that the tensors lie one after the other, without holes, and end
  /// where the file does.
  private func checkCoverage(bytes: Int) throws(CheckpointError) {
    let order = entries.elements.sorted {
      ($0.value.range.lowerBound, $0.value.range.upperBound)
        < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }
    var end = 0
    for (name, entry) in order {
      guard entry.range.lowerBound == end else {
        throw CheckpointError(
          .damaged,
          entry.range.lowerBound < end
            ? "its bytes overlap another tensor's"
            : "there is a hole of \(entry.range.lowerBound - end) bytes "
              + "before it",
          keyPath: name
        )
      }
      end = entry.range.upperBound
    }
    guard end == bytes else {
      throw CheckpointError(
        .damaged,
        "the tensors take \(end) bytes, but \(bytes) follow the header",
        offset: dataStart,
        hint: end > bytes ? "the file is cut off" : nil
      )
    }
  }
}
