extension PickleSource {
  /// The first opcode of a pickle that fits, and its offset.
  ///
  /// - Parameters:
  ///   - offset: Where the pickle starts.
  ///   - isWanted: Whether an opcode is looked for.
  /// - Returns: Nil where no opcode up to the STOP, or up to and with the first
  ///   that can't be read, fits.
  package func firstOpcode(
    at offset: Int,
    where isWanted: (Opcode) -> Bool
  ) -> (opcode: Opcode, offset: Int)? {
    var reader = OpcodeReader(self, at: offset)
    while let next = try? reader.next() {
      if isWanted(next.opcode) { return (next.opcode, reader.offset) }
      if next.opcode == .stop { return nil }
    }
    // One whose argument is too long to be shown is an opcode all the same.
    guard let opcode = opcode(at: reader.offset), isWanted(opcode) else {
      return nil
    }
    return (opcode, reader.offset)
  }
}
