/// What an opcode does to `pickletools`' stack, in plain numbers.
///
/// A disassembly asks for it at every opcode, and a ``Opcode/Descriptor`` has
/// arrays and a string, which cost a count of references each time.
struct StackEffect {
  /// How the argument is written, or nil for an opcode without one.
  let argument: Opcode.ArgumentKind?
  let firstProtocol: Int
  /// How many items go, the mark and what is above it counted as two.
  let popCount: Int
  /// How many items below the mark go, or nil for an opcode that takes none.
  let belowMark: Int?
  /// What comes, the top last; no opcode leaves more than two items.
  var lower: Opcode.StackItem?
  var top: Opcode.StackItem?

  private init(_ descriptor: Opcode.Descriptor) {
    argument = descriptor.argument
    firstProtocol = descriptor.firstProtocol
    popCount = descriptor.stackBefore.count
    belowMark = descriptor.stackBefore.firstIndex(of: .mark)
    lower = descriptor.stackAfter.dropLast().last
    top = descriptor.stackAfter.last
  }

  /// One entry for each byte value; nil where no opcode has that byte.
  static let table: [StackEffect?] = Opcode.table.map { $0.map(Self.init) }
}
