internal import CDeflate
internal import Tensors

/// Gzip files (RFC 1952) as a whole, of one member or several.
@safe
enum Gzip {
  /// Whether a file begins as a gzip file with deflated data does.
  static func recognizes(_ head: [UInt8]) -> Bool {
    head.starts(with: [0x1f, 0x8b, 8])
  }

  /// Calls `body` with the inflated bytes.
  ///
  /// Memory grows with what comes out: the length in the trailer is only a
  /// hint, and no larger than the limits.
  static func withInflated<Result>(
    _ source: UnsafeRawBufferPointer,
    options: ReadOptions,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let decompressor = unsafe libdeflate_alloc_decompressor() else {
      throw CheckpointError(.limit, "there is no memory for a decompressor")
    }
    defer { unsafe libdeflate_free_decompressor(decompressor) }
    let limit = options.archiveLimits.most(
      from: source.count,
      isPickle: true
    )
    var output = unsafe UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(limit, max(1 << 16, sizeHint(source))),
      alignment: 64
    )
    defer { unsafe output.deallocate() }
    var used = 0
    var position = 0
    while position < source.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: source[position...])
      // Tapes and some tools fill the end up with zeros.
      if position > 0, unsafe rest.allSatisfy({ $0 == 0 }) { break }
      let space = unsafe UnsafeMutableRawBufferPointer(
        rebasing: output[used...]
      )
      var taken = 0
      var made = 0
      let result = unsafe libdeflate_gzip_decompress_ex(
        decompressor,
        rest.baseAddress,
        rest.count,
        space.baseAddress,
        space.count,
        &taken,
        &made
      )
      switch result {
      case LIBDEFLATE_SUCCESS:
        used += made
        position += taken
      case LIBDEFLATE_INSUFFICIENT_SPACE where output.count < limit:
        unsafe grow(&output, keeping: used, to: limit)
      case LIBDEFLATE_INSUFFICIENT_SPACE:
        throw CheckpointError(
          .limit,
          "it inflates to more than \(limit) bytes"
        )
      default:
        throw CheckpointError(
          .damaged,
          "the gzip member does not inflate, or its CRC-32 is wrong",
          offset: position
        )
      }
    }
    return try unsafe body(UnsafeRawBufferPointer(rebasing: output[..<used]))
  }

  /// The inflated size modulo 2³² that the last four bytes tell.
  private static func sizeHint(_ source: UnsafeRawBufferPointer) -> Int {
    guard source.count >= 18 else { return 0 }
    return Int(
      UInt32(
        littleEndian: unsafe source.loadUnaligned(
          fromByteOffset: source.count - 4,
          as: UInt32.self
        )
      )
    )
  }

  private static func grow(
    _ buffer: inout UnsafeMutableRawBufferPointer,
    keeping used: Int,
    to limit: Int
  ) {
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(limit, buffer.count * 2),
      alignment: 64
    )
    unsafe larger.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: buffer[..<used])
    )
    unsafe buffer.deallocate()
    unsafe buffer = unsafe larger
  }

  /// One gzip member of `bytes`, without a file name or a time.
  static func member(_ bytes: [UInt8]) throws(CheckpointError) -> [UInt8] {
    guard
      let compressor = unsafe libdeflate_alloc_compressor(6)
    else {
      throw CheckpointError(.limit, "there is no memory for a compressor")
    }
    defer { unsafe libdeflate_free_compressor(compressor) }
    let bound = unsafe libdeflate_gzip_compress_bound(compressor, bytes.count)
    return unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      count = unsafe bytes.withUnsafeBytes { source in
        unsafe libdeflate_gzip_compress(
          compressor,
          source.baseAddress,
          source.count,
          target.baseAddress,
          target.count
        )
      }
    }
  }
}
