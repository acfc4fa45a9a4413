// The CRC-32 of many records, on all cores.
internal import Dispatch
internal import Synchronization
internal import Tensors

/// Compares records' CRC-32 with their directory's.
struct ZipSums {
  private let content: ZipContent
  private let indices: [Int]

  // Small records go together, so that handing them out costs nothing; large
  // ones go alone, so that the cores end at the same time.
  private static let groupSize = 4 << 20
  private static let groupCount = 256

  init(_ content: ZipContent, _ indices: [Int]) {
    self.content = content
    self.indices = indices
  }

  /// The faults of the records whose bytes have another sum.
  ///
  /// - Parameter progress: Told how many of how many bytes are checked.
  /// - Returns: The faults in the directory's order.
  func faults(
    progress: ProgressHandler? = nil
  ) -> [ArchiveError] {
    let found = Mutex<[Int: ArchiveError]>([:])
    let groups = groups
    let total = size(of: indices[...])
    let done = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: groups.count) { group in
      for index in groups[group] {
        do throws(ArchiveError) {
          _ = try content.storage(at: index, checkingSum: true)
        } catch {
          found.withLock { $0[index] = error }
        }
      }
      guard let progress else { return }
      let count = size(of: groups[group])
      let sum = done.wrappingAdd(count, ordering: .relaxed).newValue
      progress(sum, total)
    }
    return found.withLock { faults in
      faults.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  private func size(of indices: ArraySlice<Int>) -> Int {
    indices.reduce(0) { $0 &+ content.directory.records[$1].compressedSize }
  }

  private var groups: [ArraySlice<Int>] {
    var groups: [ArraySlice<Int>] = []
    var start = 0
    var size = 0
    for (place, index) in indices.enumerated() {
      size += content.directory.records[index].compressedSize
      if size >= Self.groupSize || place - start >= Self.groupCount {
        groups.append(indices[start...place])
        (start, size) = (place + 1, 0)
      }
    }
    if start < indices.count { groups.append(indices[start...]) }
    return groups
  }
}
