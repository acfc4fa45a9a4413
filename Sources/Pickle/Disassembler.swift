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
  /// - Throws: ``PickleError`` at what `pickletools` raises an error for, and at
  ///   what would make the text many times as long as the pickle.
  @discardableResult
  public static func disassemble(
    _ source: PickleSource,
    at offset: Int = 0,
    line: (String) -> Void
  ) throws(PickleError) -> Int {
    var run = Run(reader: OpcodeReader(source, at: offset))
    return try run.show { text in line(text.take()) }
  }

  /// Disassembles one pickle into a text stream, a newline after each line.
  ///
  /// - Parameters:
  ///   - source: The bytes.
  ///   - offset: Where the pickle starts.
  ///   - output: What the text is written to, many lines at a time.
  /// - Returns: The offset of the byte after the STOP.
  /// - Throws: ``PickleError`` at what `pickletools` raises an error for, and at
  ///   what would make the text many times as long as the pickle.
  @discardableResult
  public static func disassemble(
    _ source: PickleSource,
    at offset: Int = 0,
    to output: inout some TextOutputStream
  ) throws(PickleError) -> Int {
    var run = Run(reader: OpcodeReader(source, at: offset))
    defer { output.write(run.text.take()) }
    return try run.show { text in
      text.add(UInt8(ascii: "\n"))
      if text.count > 1 << 16 { output.write(text.take()) }
    }
  }

  /// A crude emulation of the machine, as `pickletools` has it.
  private struct Run: ~Copyable {
    var reader: OpcodeReader
    var stack: [Opcode.StackItem] = []
    var marks: [Int] = []
    var memo = Memo()
    var highestProtocol = -1
    /// The bytes of indentation so far.
    var indentation = 0
    /// The lines that nobody has taken yet.
    var text = DisassemblyText()

    init(reader: OpcodeReader) { self.reader = reader }

    /// How many marks may be open.
    ///
    /// Each indents all lines, so the text would grow with the square of the
    /// depth. CPython's own pickler ends long before.
    static let maxMarks = 1000

    /// How much of the text may be indentation: these bytes, and for each byte
    /// of the source as many as a depth of 25 takes for the shortest opcode.
    static let leastIndentation = 64 << 20
    static let indentationPerByte = 100

    /// Shows all opcodes.
    ///
    /// - Parameter endLine: Called after each line of `text`.
    /// - Returns: The offset of the byte after the STOP.
    /// - Throws: ``PickleError`` at what `pickletools` raises an error for.
    mutating func show(
      _ endLine: (inout DisassemblyText) -> Void
    ) throws(PickleError) -> Int {
      while try step(endLine) {}
      text.add("highest protocol among opcodes = \(highestProtocol)")
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

    /// What a line says behind the argument.
    private enum Note {
      case markAt(Int)
      case noMark
      case memoEntry(Int64)
    }

    /// Shows one opcode.
    ///
    /// - Returns: False after the STOP.
    private mutating func step(
      _ endLine: (inout DisassemblyText) -> Void
    ) throws(PickleError) -> Bool {
      let (opcode, argument) = try reader.next()
      guard var effect = StackEffect.table[Int(opcode.rawValue)] else {
        throw failure(.unknownOpcode(opcode.rawValue), opcode)
      }
      highestProtocol = max(highestProtocol, effect.firstProtocol)
      var fault: PickleError.Kind?
      var note: Note?
      let depth = marks.count
      var popCount = effect.popCount

      if effect.belowMark != nil || opcode == .pop && stack.last == .mark {
        if let mark = marks.popLast() {
          note = .markAt(mark)
          while let item = stack.popLast(), item != .mark {}
          popCount = effect.belowMark ?? 0
        } else {
          note = .noMark
          fault = .missingMark
        }
      }
      checkMemo(opcode, argument, &note, &effect, &fault)
      indentation += 4 * depth
      guard
        (indentation - Self.leastIndentation) / Self.indentationPerByte
          <= reader.count
      else {
        throw failure(
          .tooMuchToShow("\(indentation - 4 * depth) bytes of indentation"),
          opcode
        )
      }
      addLine(opcode, depth, argument, note)
      endLine(&text)
      if let fault { throw failure(fault, opcode) }

      guard stack.count >= popCount else {
        throw failure(
          .stackUnderflow(needed: popCount, available: stack.count),
          opcode
        )
      }
      for _ in 0..<popCount { stack.removeLast() }
      if effect.top == .mark {
        guard marks.count < Self.maxMarks else {
          throw failure(
            .tooMuchToShow("\(Self.maxMarks) open marks"),
            opcode
          )
        }
        marks.append(reader.offset)
      }
      if let item = effect.lower { stack.append(item) }
      if let item = effect.top { stack.append(item) }
      return opcode != .stop
    }

    private mutating func checkMemo(
      _ opcode: Opcode,
      _ argument: OpcodeReader.Argument?,
      _ note: inout Note?,
      _ effect: inout StackEffect,
      _ fault: inout PickleError.Kind?
    ) {
      switch opcode {
      case .put, .binPut, .longBinPut, .memoize:
        let next = opcode == .memoize ? Int64(memo.count) : nil
        guard let index = argument?.number ?? next else {
          fault = .invalidArgument(
            expected: "a memo key",
            found: argument?.text ?? "none"
          )
          return
        }
        if opcode == .memoize { note = .memoEntry(index) }
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
        let number = argument?.number
        if let number, let item = memo[number] {
          effect.top = item
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

    private mutating func addLine(
      _ opcode: Opcode,
      _ depth: Int,
      _ argument: OpcodeReader.Argument?,
      _ note: Note?
    ) {
      text.add(Int64(reader.offset), width: 5)
      text.add(literal: ": ")
      text.addCode(opcode)
      text.addSpaces(4 * depth)
      guard argument != nil || note != nil else { return text.addName(opcode) }
      text.addName(opcode, width: 10)
      switch argument {
      case .number(let value):
        text.add(UInt8(ascii: " "))
        text.add(value)
      case .flag(true): text.add(literal: " True")
      case .flag(false): text.add(literal: " False")
      case .text(let words):
        text.add(UInt8(ascii: " "))
        text.add(words)
      case nil: break
      }
      switch note {
      case .markAt(let offset):
        text.add(literal: " (MARK at ")
        text.add(Int64(offset))
        text.add(UInt8(ascii: ")"))
      case .noMark: text.add(literal: " no MARK exists on stack")
      case .memoEntry(let index):
        text.add(literal: " (as ")
        text.add(index)
        text.add(UInt8(ascii: ")"))
      case nil: break
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
