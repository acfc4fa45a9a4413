// Where an archive's bytes lie: a mapped file, a part of one, or memory.
package import Tensors

/// An archive's bytes and what keeps them alive.
///
/// A checkpoint that is saved in pieces holds several archives one after the
/// other in one file, and an archive may hold another: hence the part.
@safe
package struct ArchiveBytes: Sendable {
  /// The file's path, for messages.
  package let path: String

  /// The position of these bytes in their file.
  package let fileOffset: Int

  /// The number of bytes.
  package let count: Int

  private let owner: Owner
  private let base: UInt

  private enum Owner: Sendable {
    case file(MappedFile)
    case memory(Storage)
  }

  /// The bytes of a whole mapped file.
  package init(_ file: MappedFile) {
    path = file.path
    fileOffset = 0
    count = file.count
    owner = .file(file)
    base = unsafe UInt(bitPattern: file.unsafeBytes.baseAddress)
  }

  /// The part of a mapped file that `range` names, cut where the file ends.
  package init(_ file: MappedFile, range: Range<Int>) {
    let range = range.clamped(to: 0..<file.count)
    path = file.path
    fileOffset = range.lowerBound
    count = range.count
    owner = .file(file)
    base =
      unsafe UInt(bitPattern: file.unsafeBytes.baseAddress)
      &+ UInt(range.lowerBound)
  }

  /// The bytes of a storage, such as an archive that lay inside another.
  package init(_ storage: Storage, path: String) throws {
    try self.init(storage, range: 0..<storage.byteCount, path: path)
  }

  /// The part of a storage that `range` names, cut where the storage ends.
  package init(_ storage: Storage, range: Range<Int>, path: String) throws {
    let bytes = try unsafe storage.unsafeBytes()
    let range = range.clamped(to: 0..<bytes.count)
    self.path = path
    fileOffset = range.lowerBound
    count = range.count
    owner = .memory(storage)
    base = UInt(bitPattern: bytes.baseAddress) &+ UInt(range.lowerBound)
  }

  /// The bytes, valid for as long as this value or a copy of it lives.
  @unsafe
  package var unsafeBytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: base),
      count: count
    )
  }

  /// Calls `body` with the bytes, which must not escape it.
  package func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try unsafe body(unsafeBytes)
  }

  /// Calls `body`, which reads a few bytes here and there of a mapped file.
  func withScatteredReads<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch owner {
    case .file(let file): try file.withScatteredReads(body)
    case .memory: try body()
    }
  }

  /// The mapped file that the bytes are a part of; nil where they are in
  /// memory.
  var mappedFile: MappedFile? {
    if case .file(let file) = owner { file } else { nil }
  }

  /// Calls `body` with a checked view of the bytes.
  func withView<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try unsafe body(ByteView(unsafeBytes))
  }

  /// Calls `body` with a view that has the bytes of `range`, and the position
  /// in the view where they begin.
  ///
  /// - Parameters:
  ///   - range: A few bytes; `body` gets fewer where the archive ends.
  ///   - isAlone: Whether nothing near them is wanted, so that reading them
  ///     takes a tenth of the time of mapping what lies around them.
  ///   - body: Reads the bytes.
  /// - Returns: What `body` returns.
  func withFewBytes<Result>(
    of range: Range<Int>,
    isAlone: Bool,
    _ body: (ByteView, Int) -> Result
  ) -> Result {
    guard isAlone, range.upperBound <= count, case .file(let file) = owner
    else { return withView { body($0, range.lowerBound) } }
    return unsafe withUnsafeTemporaryAllocation(
      byteCount: range.count,
      alignment: 8
    ) { buffer in
      guard
        unsafe file.read(into: buffer, at: fileOffset + range.lowerBound)
      else { return withView { body($0, range.lowerBound) } }
      return unsafe body(ByteView(UnsafeRawBufferPointer(buffer)), 0)
    }
  }

  /// A storage of the bytes of `range`, which the caller has checked: a view
  /// of the file where there is one, a copy otherwise.
  func storage(_ range: Range<Int>) throws(LayoutError) -> Storage {
    switch owner {
    case .file(let file):
      let start = fileOffset + range.lowerBound
      return try Storage(mapping: file, range: start..<start + range.count)
    case .memory:
      return withView { view in
        let bytes = unsafe view.slice(range)
        return unsafe Storage(
          copying: bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        )
      }
    }
  }
}
