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
    while try run.step(line) {}
    line("highest protocol among opcodes = \(run.highestProtocol)")
    guard run.stack.isEmpty else {
      throw PickleError(
        .invalidArgument(
          expected: "an empty stack after STOP",
          found: "\(run.stack.count) items"
        ),
        offset: run.reader.offset,
        opcode: .stop
      )
    }
    return run.reader.position
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
    try disassemble(source, at: offset) { line in
      output.write(line)
      output.write("\n")
    }
  }

  /// A crude emulation of the machine, as `pickletools` has it.
  private struct Run {
    var reader: OpcodeReader
    var stack: [Opcode.StackItem] = []
    var marks: [Int] = []
    var memo = Memo()
    var highestProtocol = -1

    /// How many marks may be open.
    ///
    /// Each indents all lines, so the text would grow with the square of the
    /// depth. CPython's own pickler ends long before.
    static let maxMarks = 1000

    /// Shows one opcode.
    ///
    /// - Returns: False after the STOP.
    mutating func step(_ line: (String) -> Void) throws(PickleError) -> Bool {
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
      line(text(descriptor, depth, argument, note))
      if let fault { throw failure(fault, descriptor.opcode) }

      guard stack.count >= popCount else {
        throw failure(
          .stackUnderflow(needed: popCount, available: stack.count),
          descriptor.opcode
        )
      }
      stack.removeLast(popCount)
      if after == [.mark] {
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

    private func text(
      _ descriptor: Opcode.Descriptor,
      _ depth: Int,
      _ argument: OpcodeReader.Argument?,
      _ note: String?
    ) -> String {
      let code = descriptor.opcode.rawValue
      // Bytes, since a pickle may have millions of lines.
      var line: [UInt8] = []
      line.reserveCapacity(48 + 4 * depth)
      func pad(to width: Int) {
        while line.count < width { line.append(UInt8(ascii: " ")) }
      }
      let offset = String(reader.offset).utf8
      pad(to: 5 - offset.count)
      line += offset
      line += [UInt8(ascii: ":"), UInt8(ascii: " ")]
      let start = line.count
      if code < 0x80 {
        line.append(code)
      } else {
        line += ("\\x" + hex(code)).utf8
      }
      pad(to: start + 5)
      pad(to: line.count + 4 * depth)
      let name = line.count
      line += descriptor.name.utf8
      if argument != nil || note != nil { pad(to: name + 10) }
      if let argument { line += (" " + argument.text).utf8 }
      if let note { line += (" " + note).utf8 }
      return String(decoding: line, as: UTF8.self)
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
