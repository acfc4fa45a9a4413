internal import Crypto
internal import Tensors

/// SHA-256 over a tensor's elements.
enum Checksum {
  /// The digest over the elements in row-major order, little-endian, without
  /// gaps; conjugate and negative views as they are read.
  ///
  /// - Parameter tensor: The tensor; a quantized one by its integers.
  /// - Returns: Hexadecimal digits; nil for a meta tensor.
  /// - Throws: What reading the storage throws.
  static func sha256(of tensor: Tensor) throws -> String? {
    guard !tensor.storage.isMeta else { return nil }
    var hash = SHA256()
    try unsafe tensor.resolved()
      .forEachContiguousPiece { unsafe hash.update(bufferPointer: $0) }
    return hash.finalize().map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
  }
}
