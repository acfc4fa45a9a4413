/// Writes a pickle value after value, without a graph.
///
/// For objects whose shape is known beforehand, such as a state dict of ten
/// thousand tensors. The caller keeps to the order of Python's pickler: what is
/// called before its arguments, and a value that was written before by its
/// number in the memo. The protocol is 2, which `torch.save` takes.
package struct PickleStream: ~Copyable {
  private var out: PickleOutput
  private var hasTooLongText = false

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
  package consuming func finish() throws(PickleError) -> [UInt8] {
    if hasTooLongText { throw PickleOutput.tooLongText() }
    return out.finish()
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
    let fits = value.withUTF8 {
      unsafe out.emitString(UnsafeRawBufferPointer($0))
    }
    if !fits { hasTooLongText = true }
    return out.memoPutNew()
  }

  /// Writes a class or function.
  ///
  /// - Parameters:
  ///   - module: Its module as Python 2 calls it; no newline may be in it.
  ///   - name: Its name, likewise.
  /// - Returns: Its number in the memo.
  package mutating func global(_ module: String, _ name: String) -> UInt32 {
    out.emit(.global, module, name)
    return out.memoPutNew()
  }

  /// Begins a tuple of so many elements.
  package mutating func beginTuple(_ count: Int) { out.beginTuple(count) }

  /// Ends a tuple of so many elements, all of them written since it began.
  package mutating func endTuple(_ count: Int) {
    guard count > 0 else { return out.saveEmptyTuple() }
    out.endTuple(count)
    _ = out.memoPutNew()
  }

  /// Writes an empty dictionary.
  package mutating func dict() {
    out.emit(.emptyDict)
    _ = out.memoPutNew()
  }

  /// Writes what the value before last gives, called with the tuple that was
  /// written last.
  package mutating func reduce() {
    out.emit(.reduce)
    _ = out.memoPutNew()
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
