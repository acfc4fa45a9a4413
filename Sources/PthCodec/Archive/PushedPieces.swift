internal import Dispatch
internal import Synchronization
internal import Tensors

/// Bytes that one thread pushes and another pulls, a few pieces at a time.
///
/// libzip asks for an entry's bytes, while what computes them, or inflates
/// them, gives them. Both work at the same time.
final class PushedPieces: Sendable {
  private enum Item: Sendable {
    case piece(Storage)
    case failure(any Error)
    case end
  }

  private struct Cancelled: Error {}

  private struct State {
    var items: [Item] = []
    var isCancelled = false
  }

  private let state = Mutex(State())
  private let filled = DispatchSemaphore(value: 0)
  private let free = DispatchSemaphore(value: 0)

  private static let pieceSize = 1 << 20
  private static let capacity = 4

  /// Starts to produce on another thread.
  init(_ produce: @escaping Storage.Producer) {
    // Counted up, since a semaphore must not die below its first value.
    for _ in 0..<Self.capacity { free.signal() }
    DispatchQueue.global().async { [self] in
      do {
        try unsafe produce { try unsafe push($0) }
        put(.end)
      } catch {
        put(.failure(error))
      }
    }
  }

  private func push(_ bytes: UnsafeRawBufferPointer) throws {
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + Self.pieceSize)
      let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      guard put(.piece(unsafe Storage(copying: part))) else {
        throw Cancelled()
      }
      start = end
    }
  }

  /// Adds an item once there is room.
  ///
  /// - Returns: Whether anyone still wants it.
  @discardableResult
  private func put(_ item: Item) -> Bool {
    free.wait()
    let isWanted = state.withLock { state in
      if !state.isCancelled { state.items.append(item) }
      return !state.isCancelled
    }
    if isWanted { filled.signal() } else { free.signal() }
    return isWanted
  }

  /// The next piece, nil after the last; waits for it.
  ///
  /// - Throws: What the producer threw.
  func next() throws -> Storage? {
    filled.wait()
    let item = state.withLock { $0.items.removeFirst() }
    switch item {
    case .piece(let piece):
      free.signal()
      return piece
    case .failure(let error):
      again(item)
      throw error
    case .end:
      again(item)
      return nil
    }
  }

  /// Keeps the last item for whoever asks once more.
  private func again(_ item: Item) {
    state.withLock { $0.items.append(item) }
    filled.signal()
  }

  /// Has the producer stop at its next piece.
  func cancel() {
    state.withLock { state in
      state.isCancelled = true
      state.items = []
    }
    free.signal()
  }
}
