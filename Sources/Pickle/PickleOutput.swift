/// The bytes of a pickle on their way: opcodes with their arguments, frames,
/// and the memo's numbers.
struct PickleOutput: ~Copyable {
  let version: Int

  private var out: RawVector<UInt8>
  private var memoCount: UInt32 = 0
  private var framing = false
  private var frameStart = -1

  private static let frameTarget = 64 * 1024
  private static let frameMinimum = 4
  private static let frameHeader = 9

  /// Begins a pickle.
  ///
  /// - Parameters:
  ///   - version: The protocol, 0 to 5.
  ///   - capacity: About how many bytes will come.
  init(protocol version: Int, capacity: Int) {
    self.version = version
    out = RawVector(capacity: capacity)
    if version >= 2 {
      emit(.proto)
      emit(UInt8(version))
    }
    framing = version >= 4
  }

  /// Ends the pickle.
  ///
  /// - Returns: All its bytes.
  mutating func finish() -> [UInt8] {
    end()
    return unsafe Array(out.elements)
  }

  /// Ends the pickle and gives up its memory.
  consuming func finished() -> RawVector<UInt8> {
    end()
    return out
  }

  private mutating func end() {
    emit(.stop)
    commitFrame()
  }

  /// The number of bytes so far.
  var count: Int { out.count }

  @inline(__always)
  mutating func emit(_ byte: UInt8) {
    if framing && frameStart < 0 { openFrame() }
    out.append(byte)
  }

  @inline(__always)
  mutating func emit(_ opcode: Opcode) { emit(opcode.rawValue) }

  /// Writes an opcode and its little-endian argument.
  @inline(__always)
  mutating func emit<T: FixedWidthInteger & BitwiseCopyable>(
    _ opcode: Opcode,
    _ argument: T
  ) {
    emit(opcode.rawValue)
    let place = unsafe UnsafeMutableRawPointer(
      out.extend(by: MemoryLayout<T>.size)
    )
    unsafe place.storeBytes(of: argument.littleEndian, as: T.self)
  }

  mutating func emit(_ text: String) {
    if framing && frameStart < 0 { openFrame() }
    for byte in text.utf8 { out.append(byte) }
  }

  /// Writes a header and bytes, large ones outside of any frame.
  mutating func emit<T: FixedWidthInteger & BitwiseCopyable>(
    _ opcode: Opcode,
    length: T,
    _ bytes: UnsafeRawBufferPointer
  ) {
    let isLarge = framing && bytes.count >= Self.frameTarget
    if isLarge {
      commitFrame()
      framing = false
    }
    emit(opcode, length)
    if let base = bytes.baseAddress {
      unsafe out.append(
        from: base.assumingMemoryBound(to: UInt8.self),
        count: bytes.count
      )
    }
    if isLarge { framing = true }
  }

  // MARK: Frames

  private mutating func openFrame() {
    frameStart = out.count
    out.append(repeating: 0, count: Self.frameHeader)
  }

  /// Begins another frame where the last is full; called before each value.
  @inline(__always)
  mutating func closeFullFrame() {
    if framing, frameStart >= 0,
      out.count - frameStart - Self.frameHeader >= Self.frameTarget
    {
      commitFrame()
    }
  }

  private mutating func commitFrame() {
    guard framing, frameStart >= 0 else { return }
    let size = out.count - frameStart - Self.frameHeader
    if size >= Self.frameMinimum {
      out[frameStart] = Opcode.frame.rawValue
      for i in 0..<8 {
        out[frameStart + 1 + i] = UInt8(
          truncatingIfNeeded: size >> (8 * i)
        )
      }
    } else {
      // Too small for a frame: the bytes go where the header would be.
      for i in 0..<size {
        out[frameStart + i] = out[frameStart + Self.frameHeader + i]
      }
      out.removeLast(Self.frameHeader)
    }
    frameStart = -1
  }

  // MARK: Memo

  /// The number of the next memo entry.
  var nextPut: UInt32 { memoCount }

  /// Gives the top of the stack a memo entry.
  ///
  /// - Returns: The entry's number.
  @inline(__always)
  mutating func memoPutNew() -> UInt32 {
    let index = memoCount
    memoCount += 1
    if version >= 4 {
      emit(.memoize)
    } else if version == 0 {
      emit("p\(index)\n")
    } else if index < 256 {
      emit(.binPut, UInt8(truncatingIfNeeded: index))
    } else {
      emit(.longBinPut, index)
    }
    return index
  }

  @inline(__always)
  mutating func memoGet(_ index: UInt32) {
    if version == 0 {
      emit("g\(index)\n")
    } else if index < 256 {
      emit(.binGet, UInt8(truncatingIfNeeded: index))
    } else {
      emit(.longBinGet, index)
    }
  }

  // MARK: Stamps

  /// The bytes from `start` on.
  func bytes(from start: Int) -> [UInt8] {
    unsafe Array(out.elements[min(start, out.count)...])
  }

  /// Writes a stamp's run with another text; there are no frames.
  ///
  /// - Returns: The text's number in the memo.
  mutating func emit(
    _ stamp: PickleStamp,
    length: UInt32,
    _ text: UnsafeRawBufferPointer
  ) -> UInt32 {
    append(stamp.head)
    unsafe emit(.binUnicode, length: length, text)
    let start = out.count
    append(stamp.tail)
    let first = memoCount
    for put in stamp.puts {
      out.store(littleEndian: memoCount, at: start + put)
      memoCount &+= 1
    }
    return first
  }

  private mutating func append(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBufferPointer {
      guard let base = $0.baseAddress else { return }
      unsafe out.append(from: base, count: $0.count)
    }
  }
}
