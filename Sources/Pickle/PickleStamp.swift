/// A run of opcodes that comes again and again with another text in it.
///
/// Such is the call that rebuilds a tensor: of ten thousand tensors of one
/// shape each has the same, but for its storage's name and the memo's numbers.
package struct PickleStamp: Sendable {
  /// The bytes before the text.
  let head: [UInt8]

  /// The bytes after it, the first of them its own place in the memo.
  let tail: [UInt8]

  /// Where in the tail the memo's numbers stand, each one more than the last.
  let puts: [Int]
}

/// What a stream notes while it writes a run for a stamp.
struct NotedRun {
  /// Where the run begins.
  let start: Int
  /// The first number that the run takes in the memo.
  let firstPut: UInt32
  /// The texts with their opcodes.
  var texts: [Range<Int>] = []
  /// Where the memo's numbers end.
  var puts: [Int] = []
  /// Whether the run writes a class or function, which comes only once.
  var hasGlobal = false

  /// The stamp of a run that has one text and nothing that is written once.
  ///
  /// - Parameter bytes: The run.
  /// - Returns: Nil where the run can't be written again.
  func stamp(of bytes: [UInt8]) -> PickleStamp? {
    // Smaller numbers have a shorter opcode.
    guard firstPut >= 256, !hasGlobal, texts.count == 1 else { return nil }
    let text = texts[0].lowerBound - start..<texts[0].upperBound - start
    let places = puts.map {
      $0 - MemoryLayout<UInt32>.size - start - text.upperBound
    }
    guard let first = places.first, first >= 0 else { return nil }
    return PickleStamp(
      head: Array(bytes[..<text.lowerBound]),
      tail: Array(bytes[text.upperBound...]),
      puts: places
    )
  }
}

extension PickleStream {
  /// Begins a run that may be written again.
  package mutating func beginStamp() {
    noted = NotedRun(start: out.count, firstPut: out.nextPut)
  }

  /// Ends the run.
  ///
  /// - Returns: What writes it again; nil where a part of it is written only
  ///   once, or where it has not exactly one text.
  package mutating func endStamp() -> PickleStamp? {
    defer { noted = nil }
    return noted.flatMap { $0.stamp(of: out.bytes(from: $0.start)) }
  }

  /// Writes a run again.
  ///
  /// - Parameters:
  ///   - stamp: The run.
  ///   - text: The UTF-8 bytes of the text in it, a few.
  /// - Returns: The text's number in the memo.
  package mutating func stamp(
    _ stamp: PickleStamp,
    _ text: UnsafeRawBufferPointer
  ) -> UInt32 {
    unsafe out.emit(stamp, length: UInt32(clamping: text.count), text)
  }
}
