// Large copies, by all cores.
internal import Dispatch
internal import Synchronization

/// Copies storages' bytes into owned memory.
enum ParallelCopy {
  // A part takes far longer to copy than to hand out. Larger storages are
  // split, smaller ones go together.
  private static let partSize = 4 << 20

  /// Owned copies of the storages, in their order.
  ///
  /// - Throws: What reading the storages throws.
  static func copies(of storages: [Storage]) throws -> [Storage] {
    let groups = groups(of: storages)
    let copies = Mutex<[Int: Result<[Storage], any Error>]>([:])
    DispatchQueue.concurrentPerform(iterations: groups.count) { index in
      let result = Result { try storages[groups[index]].map(Self.copy) }
      copies.withLock { $0[index] = result }
    }
    let made = copies.withLock { $0 }
    return try groups.indices.flatMap { try made[$0]?.get() ?? [] }
  }

  /// Runs of storages that are copied as one piece of work.
  private static func groups(of storages: [Storage]) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    var size = 0
    for (index, storage) in storages.enumerated() {
      size += min(storage.byteCount, partSize)
      if size >= partSize || index - start >= 255 {
        groups.append(start..<index + 1)
        (start, size) = (index + 1, 0)
      }
    }
    if start < storages.count { groups.append(start..<storages.count) }
    return groups
  }

  private static func copy(_ storage: Storage) throws -> Storage {
    try unsafe storage.withUnsafeBytes { source in
      unsafe Storage(byteCount: source.count) { target in
        unsafe copy(source, to: target)
      }
    }
  }

  /// Copies bytes, a large buffer's by all cores.
  static func copy(
    _ source: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawBufferPointer
  ) {
    let count = source.count
    guard count > 2 * partSize else {
      return unsafe target.copyMemory(from: source)
    }
    // Every thread writes its own part.
    nonisolated(unsafe) let (source, target) = unsafe (source, target)
    DispatchQueue.concurrentPerform(
      iterations: (count - 1) / partSize + 1
    ) { part in
      let range = part * partSize..<min(count, (part + 1) * partSize)
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[range])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
    }
  }
}
