internal import Synchronization

/// Finds parts of a mapped file.
package protocol StorageLocator: AnyObject, Sendable {
  /// Where a part lies in its file.
  ///
  /// - Throws: An error that says why it can't be read.
  func range(of number: Int) throws -> Range<Int>
}

/// The bytes that one or several tensors view.
///
/// Two tensors share memory exactly when they have the same storage object. A
/// storage is read-only: its bytes lie in a mapped file, in memory of its own,
/// or come from a loader at the first use.
@safe
public final class Storage: Sendable {
  /// The number of bytes.
  public let byteCount: Int

  /// The mapped file that the bytes lie in; nil where they lie in none.
  package let mappedFile: MappedFile?

  private let content: Mutex<Content>

  // Bytes that are there from the beginning are read without the lock.
  private let fixedBase: UInt
  private let hasFixedBase: Bool

  /// Gives all bytes in order, in pieces that are valid during each call.
  public typealias Producer =
    @Sendable (_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

  @safe
  private enum Content: Sendable {
    case mapped
    case owned
    case pending(@Sendable () throws -> Storage)
    case located(any StorageLocator, Int)
    case streaming(Producer)
    case loaded(Storage)
    case meta
  }

  private init(
    _ content: Content,
    base: UInt?,
    byteCount: Int,
    mappedFile: MappedFile? = nil
  ) {
    self.content = Mutex(content)
    self.mappedFile = mappedFile
    self.byteCount = byteCount
    fixedBase = base ?? 0
    hasFixedBase = base != nil
  }

  deinit {
    if content.withLock({ if case .owned = $0 { true } else { false } }) {
      unsafe UnsafeMutableRawPointer(bitPattern: fixedBase)?.deallocate()
    }
  }

  /// Makes a storage of owned memory.
  ///
  /// - Parameters:
  ///   - byteCount: The bytes to reserve; the caller has checked a number
  ///     that comes from a file.
  ///   - fill: Writes every byte.
  /// - Throws: What `fill` throws.
  public convenience init<Failure: Error>(
    byteCount: Int,
    filledBy fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let count = max(0, byteCount)
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count,
      alignment: LargeMemory.alignment(ofBytes: count)
    )
    unsafe LargeMemory.prepare(buffer)
    do {
      try unsafe fill(buffer)
    } catch {
      unsafe buffer.deallocate()
      throw error
    }
    self.init(
      .owned,
      base: UInt(bitPattern: buffer.baseAddress),
      byteCount: count
    )
  }

  /// Copies bytes into a new storage.
  public convenience init(copying bytes: UnsafeRawBufferPointer) {
    unsafe self.init(byteCount: bytes.count) {
      unsafe $0.copyMemory(from: bytes)
    }
  }

  /// Copies an array's elements into a new storage.
  public convenience init<Element: BitwiseCopyable>(_ elements: [Element]) {
    let count = elements.count * MemoryLayout<Element>.stride
    unsafe self.init(byteCount: count) { target in
      unsafe elements.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }
  }

  /// Makes a storage that views a part of a mapped file.
  ///
  /// - Parameters:
  ///   - file: The file, kept for as long as the storage lives.
  ///   - range: The bytes' positions in the file.
  /// - Throws: ``LayoutError`` where the range is not inside the file.
  public convenience init(
    mapping file: MappedFile,
    range: Range<Int>
  ) throws(LayoutError) {
    guard range.lowerBound >= 0, range.upperBound <= file.count else {
      throw .beyondStorage(needed: range.upperBound, available: file.count)
    }
    let start = unsafe file.unsafeBytes.baseAddress
    self.init(
      .mapped,
      base: UInt(bitPattern: start) &+ UInt(range.lowerBound),
      byteCount: range.count,
      mappedFile: file
    )
  }

  /// Makes a storage whose bytes come from `loader` at the first use.
  ///
  /// - Parameters:
  ///   - byteCount: The bytes that the loader will give.
  ///   - loader: Called at most once with success, by one thread at a time.
  public convenience init(
    byteCount: Int,
    loader: @escaping @Sendable () throws -> Storage
  ) {
    self.init(.pending(loader), base: nil, byteCount: byteCount)
  }

  /// Makes a storage that views a part of a mapped file, which is looked up at
  /// the first use.
  ///
  /// - Parameters:
  ///   - file: The file, kept for as long as the storage lives.
  ///   - byteCount: The bytes that the part will have.
  ///   - locator: Asked at most once with success.
  ///   - number: What the locator calls the part.
  package convenience init(
    mapping file: MappedFile,
    byteCount: Int,
    locator: any StorageLocator,
    number: Int
  ) {
    self.init(
      .located(locator, number),
      base: nil,
      byteCount: byteCount,
      mappedFile: file
    )
  }

  /// Makes a storage whose bytes are computed, piece by piece.
  ///
  /// ``forEachPiece(_:)`` keeps no more than one piece in memory, however often
  /// it is called; the other ways to read keep all bytes from then on.
  ///
  /// - Parameters:
  ///   - byteCount: The bytes that the producer will give.
  ///   - producer: Called for each reading.
  public convenience init(byteCount: Int, producer: @escaping Producer) {
    unsafe self.init(.streaming(producer), base: nil, byteCount: byteCount)
  }

  /// Calls `body` with all bytes in order, in one piece or several.
  ///
  /// - Parameter body: Reads the bytes; they must not escape it.
  /// - Throws: As ``withUnsafeBytes(_:)`` does.
  public func forEachPiece(
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    if hasFixedBase { return try unsafe withUnsafeBytes(body) }
    let producer = unsafe content.withLock { content -> Producer? in
      guard case .streaming(let producer) = content else { return nil }
      return unsafe producer
    }
    guard let producer = unsafe producer else {
      return try unsafe withUnsafeBytes(body)
    }
    var total = 0
    try unsafe producer { piece in
      total += piece.count
      try unsafe body(piece)
    }
    guard total == byteCount else {
      throw StorageError.wrongSize(expected: byteCount, actual: total)
    }
  }

  /// Makes a storage without bytes, as a tensor on the device `meta` has.
  ///
  /// - Parameter byteCount: The bytes that it would have.
  /// - Returns: A storage whose bytes can't be read.
  public static func meta(byteCount: Int) -> Storage {
    Storage(.meta, base: nil, byteCount: byteCount)
  }

  /// The part of a mapped file that the bytes are; nil where they are none.
  ///
  /// - Throws: What the locator throws.
  package func place() throws -> (file: MappedFile, range: Range<Int>)? {
    guard let file = mappedFile else { return nil }
    guard hasFixedBase else { return try loadedStorage().place() }
    let start = unsafe Int(
      fixedBase &- UInt(bitPattern: file.unsafeBytes.baseAddress)
    )
    return (file, start..<start + byteCount)
  }

  /// Whether there are no bytes, only a size.
  public var isMeta: Bool {
    !hasFixedBase
      && content.withLock { if case .meta = $0 { true } else { false } }
  }

  /// Calls `body` with all bytes.
  ///
  /// - Parameter body: Reads the bytes; they must not escape it.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; ``StorageError`` for a meta storage; what
  ///   the loader throws where the bytes have yet to come.
  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    defer { withExtendedLifetime(self) {} }
    return try unsafe body(unsafeBytes())
  }

  /// All bytes, valid for as long as the object lives.
  ///
  /// - Returns: The bytes; whoever keeps them keeps the object too.
  /// - Throws: As ``withUnsafeBytes(_:)`` does.
  @unsafe
  public func unsafeBytes() throws -> UnsafeRawBufferPointer {
    if hasFixedBase {
      return unsafe UnsafeRawBufferPointer(
        start: UnsafeRawPointer(bitPattern: fixedBase),
        count: byteCount
      )
    }
    return try unsafe loadedStorage().unsafeBytes()
  }

  private func loadedStorage() throws -> Storage {
    try content.withLock { content throws -> Storage in
      let storage: Storage
      switch content {
      case .loaded(let storage): return storage
      case .pending(let loader): storage = try loader()
      case .located(let locator, let number):
        guard let file = mappedFile else { throw StorageError.meta }
        storage = try Storage(mapping: file, range: locator.range(of: number))
      case .streaming(let producer):
        storage = try unsafe gathered(from: producer)
      case .mapped, .owned, .meta: throw StorageError.meta
      }
      guard storage.byteCount == byteCount else {
        throw StorageError.wrongSize(
          expected: byteCount,
          actual: storage.byteCount
        )
      }
      content = .loaded(storage)
      return storage
    }
  }
}

extension Storage {
  private func gathered(from producer: Producer) throws -> Storage {
    try unsafe Storage(byteCount: byteCount) { target throws in
      var filled = 0
      try unsafe producer { piece in
        guard piece.count <= target.count - filled else {
          throw StorageError.wrongSize(
            expected: byteCount,
            actual: filled + piece.count
          )
        }
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[filled...])
          .copyMemory(from: piece)
        filled += piece.count
      }
      guard filled == target.count else {
        throw StorageError.wrongSize(expected: byteCount, actual: filled)
      }
    }
  }
}

/// A storage whose bytes can't be had.
public enum StorageError: Error, Sendable, Hashable {
  /// The storage is on the device `meta`, which keeps no bytes.
  case meta
  /// The loader gave another number of bytes than it promised.
  case wrongSize(expected: Int, actual: Int)
}

extension StorageError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .meta: "a meta tensor has a shape but no data"
    case .wrongSize(let expected, let actual):
      "the storage should have \(expected) bytes but has \(actual)"
    }
  }
}
