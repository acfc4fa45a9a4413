/// Writes a pickle value after value, without a graph.
///
/// For objects whose shape is known beforehand, such as a state dict of ten
/// thousand tensors. The caller keeps to the order of Python's pickler: what is
/// called before its arguments, and a value that was written before by its
/// number in the memo. The protocol is 2, which `torch.save` takes.
package struct PickleStream: ~Copyable {
  var out: PickleOutput
  private var hasTooLongText = false
  var noted: NotedRun?  // while a stamp is made

  /// Begins a pickle.
  ///
  /// - Parameter capacity: About how many bytes will come.
  package init(capacity: Int = 0) {
    out = PickleOutput(protocol: 2, capacity: max(64, capacity))
  }

  /// Ends the pickle.
  ///
  /// - Returns: All its bytes.
  /// - Throws: ``PickleError`` where a text has more than 4 GiB.
  package consuming func finish() throws(PickleError) -> PickleBytes {
    if hasTooLongText { throw PickleOutput.tooLongText() }
    return PickleBytes(out.finished())
  }

  /// Writes a value that was written before.
  ///
  /// - Parameter number: What writing it returned.
  package mutating func recall(_ number: UInt32) { out.memoGet(number) }

  /// Writes an integer.
  package mutating func int(_ value: Int) { out.saveInt(Int64(value)) }

  /// Writes a boolean.
  package mutating func bool(_ value: Bool) { out.saveBool(value) }

  /// Writes a float.
  package mutating func float(_ value: Double) {
    out.saveFloat(value.bitPattern)
  }

  /// Writes a text.
  ///
  /// - Returns: Its number in the memo.
  @discardableResult
  package mutating func string(_ value: String) -> UInt32 {
    var value = value
    return value.withUTF8 { unsafe string(UnsafeRawBufferPointer($0)) }
  }

  /// Writes a text of these UTF-8 bytes.
  ///
  /// - Returns: Its number in the memo.
  @discardableResult
  package mutating func string(_ text: UnsafeRawBufferPointer) -> UInt32 {
    let start = out.count
    let fits = unsafe out.emitString(text)
    if !fits { hasTooLongText = true }
    noted?.texts.append(start..<out.count)
    return put()
  }

  /// Gives what was written last a number in the memo.
  @discardableResult
  private mutating func put() -> UInt32 {
    let number = out.memoPutNew()
    noted?.puts.append(out.count)
    return number
  }

  /// Writes a class or function.
  ///
  /// - Parameters:
  ///   - module: Its module as Python 2 calls it; no newline may be in it.
  ///   - name: Its name, likewise.
  /// - Returns: Its number in the memo.
  package mutating func global(_ module: String, _ name: String) -> UInt32 {
    out.emit(.global, module, name)
    noted?.hasGlobal = true
    return put()
  }

  /// Begins a tuple of so many elements.
  package mutating func beginTuple(_ count: Int) { out.beginTuple(count) }

  /// Ends a tuple of so many elements, all of them written since it began.
  package mutating func endTuple(_ count: Int) {
    guard count > 0 else { return out.saveEmptyTuple() }
    out.endTuple(count)
    put()
  }

  /// Writes an empty dictionary.
  package mutating func dict() {
    out.emit(.emptyDict)
    put()
  }

  /// Writes what the value before last gives, called with the tuple that was
  /// written last.
  package mutating func reduce() {
    out.emit(.reduce)
    put()
  }

  /// Makes the value that was written last a persistent id.
  package mutating func persistentID() { out.emit(.binPersID) }

  /// Gives the object before last the state that was written last.
  package mutating func build() { out.emit(.build) }

  /// Begins a pair of an OrderedDict's items, or of a dictionary's where they
  /// are fewer than a thousand.
  ///
  /// - Parameters:
  ///   - index: How many were written before.
  ///   - count: How many there are in all.
  package mutating func beginItem(_ index: Int, of count: Int) {
    let first = index - index % Encoder.batchSize
    if index == first, count - first > 1 { out.emit(.mark) }
  }

  /// Ends a pair, key and value.
  package mutating func endItem(_ index: Int, of count: Int) {
    let inBatch = index % Encoder.batchSize
    guard index == count - 1 || inBatch == Encoder.batchSize - 1 else { return }
    out.emit(inBatch == 0 ? .setItem : .setItems)
  }
}

/// A pickle that was written, in the memory in which it came to be.
///
/// Nothing changes it any more, so threads may share it.
package final class PickleBytes: @unchecked Sendable {
  private let bytes: RawVector<UInt8>

  /// The number of bytes.
  package var count: Int { bytes.count }

  fileprivate init(_ bytes: consuming RawVector<UInt8>) { self.bytes = bytes }

  /// Calls `body` with all bytes, which must not escape it.
  package func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    defer { withExtendedLifetime(self) {} }
    return try unsafe body(UnsafeRawBufferPointer(bytes.elements))
  }
}
