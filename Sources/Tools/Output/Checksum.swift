internal import Crypto
internal import OrderedCollections
internal import Pickle
internal import PthCodec
internal import Tensors

/// SHA-256 over tensors' elements.
enum Checksum {
  /// The digests of all tensors by name; a meta tensor has none.
  ///
  /// - Parameters:
  ///   - checkpoint: The tensors.
  ///   - file: The file's name, for messages.
  /// - Returns: Hexadecimal digits by the tensors' names.
  /// - Throws: ``Failure`` with the tensor that can't be read.
  static func sha256(
    of checkpoint: Checkpoint,
    file: String
  ) throws -> [String: String] {
    try checkpoint.checkRepeats()
    let bar = ProgressBar("reading \(file)")
    defer { bar?.clear() }
    let total = checkpoint.tensors.values.reduce(0) {
      $0.addingReportingOverflow($1.byteCount).partialValue
    }
    var done = 0
    var result: [String: String] = [:]
    // One tensor may have thousands of names.
    var known: [View: String] = [:]
    for (name, tensor) in checkpoint.tensors where !tensor.storage.isMeta {
      let view = View(tensor)
      if let digest = known[view] {
        result[name] = digest
        continue
      }
      do {
        let digest = try sha256(of: tensor) { count in
          done &+= count
          bar?.update(done, of: total)
        }
        known[view] = digest
        result[name] = digest
      } catch {
        throw Failure(
          Failure.exitCode(of: error),
          "\(file): tensor \(Text.printable(name)): \(error)"
        )
      }
    }
    return result
  }

  /// What tells tensors with other elements apart.
  private struct View: Hashable {
    let storage: ObjectIdentifier
    let dtype: DType
    let layout: Layout
    let isConjugate: Bool
    let isNegative: Bool

    init(_ tensor: Tensor) {
      storage = ObjectIdentifier(tensor.storage)
      dtype = tensor.dtype
      layout = tensor.layout
      isConjugate = tensor.isConjugate
      isNegative = tensor.isNegative
    }
  }

  /// The digest over the elements in row-major order, little-endian, without
  /// gaps; conjugate and negative views as they are read, a quantized tensor
  /// by its integers.
  private static func sha256(
    of tensor: Tensor,
    progress: (Int) -> Void
  ) throws -> String {
    var hash = SHA256()
    try unsafe tensor.resolved().forEachContiguousPiece { piece in
      var rest = unsafe piece
      while unsafe !rest.isEmpty {
        let part = unsafe UnsafeRawBufferPointer(
          rebasing: rest.prefix(1 << 24)
        )
        unsafe hash.update(bufferPointer: part)
        progress(part.count)
        unsafe rest = UnsafeRawBufferPointer(
          rebasing: rest.dropFirst(part.count)
        )
      }
    }
    return hexadecimal(hash.finalize())
  }
}
