internal import Pickle
internal import Tensors

/// Finds the pickles in a member of torch 0.1's tar, where raw data lie
/// between them.
///
/// `storages`: pickle(count); for each, pickle(key, location, type), int64
/// count, the elements; then a pickled list of views. `tensors`: pickle(count);
/// for each, pickle(key, storage, type), int32 rank, 4 bytes, sizes, strides
/// and offset as int64. The other members are pickles and nothing else.
struct TorchTarWalk {
  private let target: ScanTarget
  private let source: PickleSource
  private let isTensors: Bool
  private var position = 0
  private var count: Int?
  private var done = 0

  init(_ target: ScanTarget, _ source: PickleSource, isTensors: Bool) {
    self.target = target
    self.source = source
    self.isTensors = isTensors
  }

  /// Where the next pickle starts, nil at the end.
  func nextPickle() -> Int? {
    position < source.count ? position : nil
  }

  /// Goes on after a pickle that ends at `end`, over the data behind it.
  mutating func passed(_ end: Int, isMember member: String) {
    guard member == "storages" || member == "tensors" else {
      position = end
      return
    }
    defer { position = max(position, end) }
    guard let graph = try? Unpickler.decode(source, at: position) else {
      return
    }
    guard let count else {
      self.count = graph.int(graph.root) ?? 0
      return
    }
    guard done < count else { return }
    done += 1
    position = min(source.count, end + (length(graph, at: end) ?? 0))
  }

  /// The bytes of raw data behind a pickle.
  private func length(_ graph: PickleGraph, at end: Int) -> Int? {
    if isTensors {
      guard let rank = number(Int32.self, at: end), rank >= 0 else {
        return nil
      }
      return 8 + 16 * Int(rank) + 8
    }
    guard let count = number(Int64.self, at: end).map(Int.init), count >= 0,
      let last = graph.children(graph.root).last,
      let global = graph.global(last),
      let type = StorageType(module: global.module, name: global.name),
      let bytes = type.byteCount(of: count)
    else { return nil }
    let (length, overflow) = bytes.addingReportingOverflow(8)
    return overflow ? nil : min(length, source.count)
  }

  private func number<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type,
    at offset: Int
  ) -> Number? {
    let size = MemoryLayout<Number>.size
    return try? unsafe target.withUnsafeBytes { bytes in
      guard offset >= 0, offset <= bytes.count - size else { return nil }
      return Number(
        littleEndian: unsafe bytes.loadUnaligned(
          fromByteOffset: offset,
          as: Number.self
        )
      )
    }
  }
}
