internal import Dispatch
internal import OrderedCollections
internal import Synchronization
internal import Tensors

/// Checks of the elements themselves.
enum TensorContent {
  /// The tensors whose bytes can't be had, one finding for each storage.
  static func unreadable(_ checkpoint: Checkpoint) -> [Finding] {
    var seen: Set<ObjectIdentifier> = []
    var findings: [Finding] = []
    for (name, tensor) in checkpoint.tensors where !tensor.storage.isMeta {
      guard seen.insert(ObjectIdentifier(tensor.storage)).inserted else {
        continue
      }
      do {
        try unsafe tensor.storage.forEachPiece { _ in }
      } catch {
        findings.append(
          Finding(.error, "unreadable", keyPath: name, "\(error)")
        )
      }
    }
    return findings
  }

  /// The tensors that have NaN or infinite elements.
  ///
  /// - Throws: What reading a storage throws.
  static func nonFinite(_ checkpoint: Checkpoint) throws -> [Finding] {
    do {
      try checkpoint.checkRepeats()
    } catch {
      return [Finding(.error, "unreadable", error.message)]
    }
    let tensors = Array(checkpoint.tensors)
    let results = Mutex<[Int: Result<Int, any Error>]>([:])
    DispatchQueue.concurrentPerform(iterations: tensors.count) { index in
      let tensor = tensors[index].value
      guard !tensor.storage.isMeta, let test = NonFinite(tensor.dtype) else {
        return
      }
      let count = Result { try test.count(in: tensor) }
      results.withLock { $0[index] = count }
    }
    let counts = results.withLock { $0 }
    return try tensors.indices.compactMap { index in
      let (name, tensor) = tensors[index]
      let count: Int
      do {
        guard let found = try counts[index]?.get(), found > 0 else {
          return nil
        }
        count = found
      } catch let error as TensorError {
        return Finding(.error, "unreadable", keyPath: name, "\(error)")
      }
      return Finding(
        .warning,
        "non-finite",
        keyPath: name,
        "\(count) of \(tensor.elementCount) elements are NaN or infinite"
      )
    }
  }
}

/// How to tell the elements of one dtype that are no finite numbers.
struct NonFinite: Sendable {
  private enum Test: Sendable {
    /// All bits of a mask are set.
    case mask16(UInt16)
    case mask32(UInt32)
    case mask64(UInt64)
    case mask8(UInt8)
    /// One byte, or one of two, is the only NaN.
    case bytes(UInt8, UInt8)
  }

  private let test: Test
  // Complex numbers are counted by halves.
  private let parts: Int

  /// Nil for a dtype whose every value is finite.
  init?(_ dtype: DType) {
    parts = dtype.isComplex ? 2 : 1
    switch dtype {
    case .float64, .complex128: test = .mask64(0x7FF0_0000_0000_0000)
    case .float32, .complex64: test = .mask32(0x7F80_0000)
    case .float16, .complex32: test = .mask16(0x7C00)
    case .bfloat16: test = .mask16(0x7F80)
    case .float8E5M2: test = .mask8(0x7C)
    case .float8E4M3FN: test = .bytes(0x7F, 0xFF)
    case .float8E4M3FNUZ, .float8E5M2FNUZ: test = .bytes(0x80, 0x80)
    case .float8E8M0FNU: test = .bytes(0xFF, 0xFF)
    default: return nil
    }
  }

  /// How many elements are NaN or infinite; a complex number is where either
  /// of its parts is.
  func count(in tensor: Tensor) throws -> Int {
    var count = 0
    try unsafe tensor.forEachContiguousPiece { piece in
      unsafe count += self.count(in: piece)
    }
    return count
  }

  private func count(in bytes: UnsafeRawBufferPointer) -> Int {
    switch test {
    case .mask8(let mask):
      unsafe Self.count(bytes, parts) { (x: UInt8) in x & mask == mask }
    case .mask16(let mask):
      unsafe Self.count(bytes, parts) { (x: UInt16) in x & mask == mask }
    case .mask32(let mask):
      unsafe Self.count(bytes, parts) { (x: UInt32) in x & mask == mask }
    case .mask64(let mask):
      unsafe Self.count(bytes, parts) { (x: UInt64) in x & mask == mask }
    case .bytes(let a, let b):
      unsafe Self.count(bytes, parts) { (x: UInt8) in x == a || x == b }
    }
  }

  @inline(__always)
  private static func count<Unit: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer,
    _ parts: Int,
    _ isOdd: (Unit) -> Bool
  ) -> Int {
    let size = MemoryLayout<Unit>.size
    var count = 0
    var offset = 0
    if parts == 2 {
      while offset <= bytes.count - 2 * size {
        let a = unsafe bytes.loadUnaligned(
          fromByteOffset: offset,
          as: Unit.self
        )
        let b = unsafe bytes.loadUnaligned(
          fromByteOffset: offset &+ size,
          as: Unit.self
        )
        count &+= isOdd(a) || isOdd(b) ? 1 : 0
        offset &+= 2 * size
      }
      return count
    }
    while offset <= bytes.count - size {
      let unit = unsafe bytes.loadUnaligned(
        fromByteOffset: offset,
        as: Unit.self
      )
      count &+= isOdd(unit) ? 1 : 0
      offset &+= size
    }
    return count
  }
}
