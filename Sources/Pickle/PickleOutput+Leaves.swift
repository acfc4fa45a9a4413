extension PickleOutput {
  mutating func saveBool(_ value: Bool) {
    if version >= 2 {
      emit(value ? .newTrue : .newFalse)
    } else {
      emit(value ? "I01\n" : "I00\n")
    }
  }

  mutating func saveInt(_ value: Int64) {
    guard let small = Int32(exactly: value) else {
      let bytes = TwosComplement.bytes(value)
      return saveLong(bytes)
    }
    if version == 0 {
      emit("I\(small)\n")
    } else if small >= 0 && small < 256 {
      emit(.binInt1, UInt8(truncatingIfNeeded: small))
    } else if small >= 0 && small < 65536 {
      emit(.binInt2, UInt16(truncatingIfNeeded: small))
    } else {
      emit(.binInt, small)
    }
  }

  mutating func saveLong(_ bytes: [UInt8]) {
    if version < 2 {
      emit("L\(TwosComplement.decimal(bytes))L\n")
      return
    }
    unsafe bytes.withUnsafeBytes { bytes in
      if bytes.count < 256 {
        unsafe emit(
          .long1,
          length: UInt8(truncatingIfNeeded: bytes.count),
          bytes
        )
      } else {
        unsafe emit(
          .long4,
          length: Int32(truncatingIfNeeded: bytes.count),
          bytes
        )
      }
    }
  }

  mutating func saveFloat(_ bits: UInt64) {
    if version == 0 {
      emit("F\(PythonFloat.repr(Double(bitPattern: bits)))\n")
    } else {
      emit(.binFloat, bits.byteSwapped)
    }
  }

  /// Writes a string's opcode and bytes.
  ///
  /// - Returns: False when it is too long for the protocol.
  mutating func emitString(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if version == 0 {
      emit(.unicode)
      let escaped = unsafe EscapedText.rawUnicodeEscape(bytes)
      for byte in escaped { emit(byte) }
      emit(0x0a)
    } else if version >= 4 && bytes.count < 256 {
      unsafe emit(
        .shortBinUnicode,
        length: UInt8(truncatingIfNeeded: bytes.count),
        bytes
      )
    } else if let length = UInt32(exactly: bytes.count) {
      unsafe emit(.binUnicode, length: length, bytes)
    } else if version >= 4 {
      unsafe emit(.binUnicode8, length: UInt64(bytes.count), bytes)
    } else {
      return false
    }
    return true
  }

  mutating func saveEmptyTuple() {
    if version >= 1 {
      emit(.emptyTuple)
    } else {
      emit(.mark)
      emit(.tuple)
    }
  }

  static func tooLongText(at offset: Int = -1) -> PickleError {
    PickleError(
      .unencodable("a string of more than 4 GiB needs protocol 4"),
      offset: offset
    )
  }

  /// Writes GLOBAL or INST, whose names are lines.
  mutating func emit(_ opcode: Opcode, _ module: String, _ name: String) {
    emit(opcode)
    emit(module)
    emit(0x0a)
    emit(name)
    emit(0x0a)
  }

  /// Writes what comes before the elements of a tuple that is not empty.
  @inline(__always)
  mutating func beginTuple(_ count: Int) {
    if version < 2 || count > 3 { emit(.mark) }
  }

  /// Writes what comes after them.
  @inline(__always)
  mutating func endTuple(_ count: Int) {
    switch version >= 2 ? count : 0 {
    case 1: emit(.tuple1)
    case 2: emit(.tuple2)
    case 3: emit(.tuple3)
    default: emit(.tuple)
    }
  }
}
