/// Shows a pickle opcode by opcode, exactly as `python -m pickletools` does.
public struct Disassembler {
  /// Disassembles one pickle, a line at a time.
  ///
  /// The stack and the memo are checked as far as `pickletools` checks them:
  /// the line at fault is still given, then the error is thrown.
  ///
  /// - Parameters:
  ///   - source: The bytes.
  ///   - offset: Where the pickle starts; offsets shown count from the start
  ///     of the source.
  ///   - line: Takes each line, without a newline.
  /// - Returns: The offset of the byte after the STOP.
  /// - Throws: ``PickleError`` at what `pickletools` raises an error for.
  @discardableResult
  public static func disassemble(
    _ source: PickleSource,
    at offset: Int = 0,
    line: (String) -> Void
  ) throws(PickleError) -> Int {
    var run = Run(reader: OpcodeReader(source, at: offset))
    return try run.show { text in
      line(String(decoding: text, as: UTF8.self))
      text.removeAll(keepingCapacity: true)
    }
  }

  /// Disassembles one pickle into a text stream, a newline after each line.
  ///
  /// - Parameters:
  ///   - source: The bytes.
  ///   - offset: Where the pickle starts.
  ///   - output: What the text is written to.
  /// - Returns: The offset of the byte after the STOP.
  /// - Throws: ``PickleError`` at what `pickletools` raises an error for.
  @discardableResult
  public static func disassemble(
    _ source: PickleSource,
    at offset: Int = 0,
    to output: inout some TextOutputStream
  ) throws(PickleError) -> Int {
    var run = Run(reader: OpcodeReader(source, at: offset))
    // Many lines at a time: a pickle may have millions.
    defer { output.write(String(decoding: run.text, as: UTF8.self)) }
    return try run.show { text in
      text.append(UInt8(ascii: "\n"))
      guard text.count > 1 << 15 else { return }
      output.write(String(decoding: text, as: UTF8.self))
      text.removeAll(keepingCapacity: true)
    }
  }

  /// A crude emulation of the machine, as `pickletools` has it.
  private struct Run {
    var reader: OpcodeReader
    var stack: [Opcode.StackItem] = []
    var marks: [Int] = []
    var memo = Memo()
    var highestProtocol = -1
    /// The lines that nobody has taken yet.
    var text: [UInt8] = []

    /// How many marks may be open.
    ///
    /// Each indents all lines, so the text would grow with the square of the
    /// depth. CPython's own pickler ends long before.
    static let maxMarks = 1000

    /// Shows all opcodes.
    ///
    /// - Parameter endLine: Called after each line of `text`.
    /// - Returns: The offset of the byte after the STOP.
    /// - Throws: ``PickleError`` at what `pickletools` raises an error for.
    mutating func show(
      _ endLine: (inout [UInt8]) -> Void
    ) throws(PickleError) -> Int {
      while try step(endLine) {}
      text += "highest protocol among opcodes = \(highestProtocol)".utf8
      endLine(&text)
      guard stack.isEmpty else {
        throw failure(
          .invalidArgument(
            expected: "an empty stack after STOP",
            found: "\(stack.count) items"
          ),
          .stop
        )
      }
      return reader.position
    }

    /// Shows one opcode.
    ///
    /// - Returns: False after the STOP.
    private mutating func step(
      _ endLine: (inout [UInt8]) -> Void
    ) throws(PickleError) -> Bool {
      let (descriptor, argument) = try reader.next()
      highestProtocol = max(highestProtocol, descriptor.firstProtocol)
      var fault: PickleError.Kind?
      var note: String?
      let depth = marks.count
      var popCount = descriptor.stackBefore.count
      var after = descriptor.stackAfter

      let takesMark = descriptor.stackBefore.firstIndex(of: .mark)
      if takesMark != nil
        || descriptor.opcode == .pop && stack.last == .mark
      {
        if let mark = marks.popLast() {
          note = "(MARK at \(mark))"
          while let item = stack.popLast(), item != .mark {}
          popCount = takesMark ?? 0
        } else {
          note = "no MARK exists on stack"
          fault = .missingMark
        }
      }
      checkMemo(descriptor.opcode, argument, &note, &after, &fault)
      addLine(descriptor, depth, argument, note)
      endLine(&text)
      if let fault { throw failure(fault, descriptor.opcode) }

      guard stack.count >= popCount else {
        throw failure(
          .stackUnderflow(needed: popCount, available: stack.count),
          descriptor.opcode
        )
      }
      stack.removeLast(popCount)
      if after.count == 1, after[0] == .mark {
        guard marks.count < Self.maxMarks else {
          throw failure(
            .limitExceeded(name: "open marks to show", limit: Self.maxMarks),
            descriptor.opcode
          )
        }
        marks.append(reader.offset)
      }
      stack += after
      return descriptor.opcode != .stop
    }

    private mutating func checkMemo(
      _ opcode: Opcode,
      _ argument: OpcodeReader.Argument?,
      _ note: inout String?,
      _ after: inout [Opcode.StackItem],
      _ fault: inout PickleError.Kind?
    ) {
      let number = argument?.number
      switch opcode {
      case .put, .binPut, .longBinPut, .memoize:
        let next = opcode == .memoize ? Int64(memo.count) : nil
        guard let index = number ?? next else {
          fault = .invalidArgument(
            expected: "a memo key",
            found: argument?.text ?? "none"
          )
          return
        }
        if opcode == .memoize { note = "(as \(index))" }
        if memo[index] != nil {
          fault = .invalidArgument(
            expected: "a new memo key",
            found: "\(index), already defined"
          )
        } else if let top = stack.last, top != .mark {
          memo[index] = top
        } else {
          fault = .invalidArgument(
            expected: "a value to store in the memo",
            found: stack.isEmpty ? "an empty stack" : "a mark"
          )
        }
      case .get, .binGet, .longBinGet:
        if let number, let item = memo[number] {
          after = [item]
        } else {
          fault = .memoMiss(Int(truncatingIfNeeded: number ?? -1))
        }
      default: break
      }
    }

    private func failure(
      _ kind: PickleError.Kind,
      _ opcode: Opcode
    ) -> PickleError {
      PickleError(kind, offset: reader.offset, opcode: opcode)
    }

    /// The opcode's offset, on the right of five columns at least.
    private mutating func addOffset() {
      let start = text.count
      var rest = reader.offset
      repeat {
        text.append(UInt8(ascii: "0") + UInt8(rest % 10))
        rest /= 10
      } while rest > 0
      while text.count < start + 5 { text.append(UInt8(ascii: " ")) }
      var low = start
      var high = text.count - 1
      while low < high {
        text.swapAt(low, high)
        low += 1
        high -= 1
      }
      text += ": ".utf8
    }

    private mutating func addLine(
      _ descriptor: Opcode.Descriptor,
      _ depth: Int,
      _ argument: OpcodeReader.Argument?,
      _ note: String?
    ) {
      let space = UInt8(ascii: " ")
      func add(_ words: String, width: Int = 0) {
        text += words.utf8
        let count = words.utf8.count
        if count < width { text += repeatElement(space, count: width - count) }
      }
      addOffset()
      let code = descriptor.opcode.rawValue
      if code < 0x80 {
        text.append(code)
        text += repeatElement(space, count: 4)
      } else {
        add("\\x" + hex(code), width: 5)
      }
      text += repeatElement(space, count: 4 * depth)
      let isMore = argument != nil || note != nil
      add(descriptor.name, width: isMore ? 10 : 0)
      for words in [argument?.text, note] {
        guard let words else { continue }
        text.append(space)
        text += words.utf8
      }
    }
  }

  /// What kind of value each memo entry has; most follow one another.
  private struct Memo {
    private var first: [Opcode.StackItem] = []
    private var others: [Int64: Opcode.StackItem] = [:]

    var count: Int { first.count + others.count }

    subscript(index: Int64) -> Opcode.StackItem? {
      get {
        index >= 0 && index < first.count ? first[Int(index)] : others[index]
      }
      set {
        if index == first.count, others.isEmpty, let newValue {
          first.append(newValue)
        } else {
          others[index] = newValue
        }
      }
    }
  }
}
