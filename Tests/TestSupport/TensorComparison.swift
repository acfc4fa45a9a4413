internal import Crypto
internal import Foundation
public import Tensors

extension Tensor {
  /// SHA-256 over the elements in row-major order, as they are stored.
  ///
  /// - Returns: 64 hexadecimal digits; nil for a meta tensor.
  /// - Throws: What reading the storage throws.
  public func sha256() throws -> String? {
    guard !storage.isMeta else { return nil }
    var hash = SHA256()
    try forEachContiguousPiece { hash.update(bufferPointer: $0) }
    return hash.finalize().map { String(format: "%02x", $0) }.joined()
  }
}

extension Manifest.Entry {
  /// What differs between the tensors read from a file and its description:
  /// names and their order, dtype, shape, strides, offset, sharing, bytes.
  ///
  /// - Parameters:
  ///   - found: Names and tensors in the file's order.
  ///   - comparesViews: Whether strides, offsets and sharing count; a format
  ///     that only keeps elements has none of its own.
  /// - Returns: One line a difference; empty where there is none.
  public func differences(
    from found: [(name: String, tensor: Tensor)],
    comparesViews: Bool = true
  ) -> [String] {
    let names = found.map(\.name)
    guard names == tensors.map(\.name) else {
      return ["names \(names), not \(tensors.map(\.name))"]
    }
    var result: [String] = []
    var storages: [ObjectIdentifier: Int] = [:]
    var numbers: [Int: ObjectIdentifier] = [:]
    for (expected, (name, tensor)) in zip(tensors, found) {
      result += expected.differences(from: tensor, comparesViews: comparesViews)
        .map { "\(name): \($0)" }
      guard comparesViews, let number = expected.storage else { continue }
      let identity = ObjectIdentifier(tensor.storage)
      if storages[identity, default: number] != number
        || numbers[number, default: identity] != identity
      {
        result.append(
          "\(name): shares memory with other tensors than it should"
        )
      }
      storages[identity] = number
      numbers[number] = identity
    }
    return result
  }
}

extension Manifest.TensorEntry {
  func differences(from found: Tensor, comparesViews: Bool) -> [String] {
    var result: [String] = []
    func compare<Value: Equatable>(_ what: String, _ a: Value, _ b: Value) {
      if a != b { result.append("\(what) is \(a), not \(b)") }
    }
    compare("dtype", found.dtype.rawValue, dtype)
    compare("shape", found.shape, shape)
    if comparesViews {
      compare("strides", found.layout.strides, strides ?? [])
      compare("offset", found.layout.offset, offset ?? 0)
      compare("requires_grad", found.requiresGrad, requiresGrad ?? false)
      compare("conj", found.isConjugate, conj ?? false)
      compare("neg", found.isNegative, neg ?? false)
    }
    compare("meta", found.storage.isMeta, meta ?? false)
    do {
      compare("sha256", try found.sha256(), storedSha256 ?? sha256)
    } catch {
      result.append("bytes can't be read: \(error)")
    }
    return result
  }
}
