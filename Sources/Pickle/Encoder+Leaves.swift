extension Encoder {
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

  mutating func saveBigInt(_ id: UInt32) throws(PickleError) {
    guard let bytes = graph.bigIntBytes(.init(id)) else { return }
    guard bytes.count <= Int(Int32.max) else {
      throw failure(id, "an integer of more than 2 GiB can't be written")
    }
    guard version >= 2 || bytes.count <= TwosComplement.maxDecimalBytes else {
      throw failure(id, "so large an integer needs protocol 2")
    }
    saveLong(bytes)
  }

  private mutating func saveLong(_ bytes: [UInt8]) {
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

  // MARK: Strings and bytes

  mutating func saveText(_ id: UInt32, _ node: Node) throws(PickleError) {
    if node.has(.python2) {
      try savePython2(id, node)
    } else if node.isKind(.string) {
      try saveString(id, node)
    } else if node.isKind(.bytes) {
      try saveBytes(id, node)
    } else {
      try saveByteArray(id, node)
    }
  }

  private mutating func saveString(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    let fits = unsafe graph.withBytes(node) { bytes in
      unsafe emitString(bytes)
    }
    guard fits else {
      throw failure(id, "a string of more than 4 GiB needs protocol 4")
    }
    memoPut(id)
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

  /// Writes a string that has no node, once.
  mutating func saveText(_ text: String) {
    if let known = textMemo[text] { return memoGet(known) }
    var text = text
    _ = text.withUTF8 { unsafe emitString(UnsafeRawBufferPointer($0)) }
    textMemo[text] = memoPutNew()
  }

  private mutating func savePython2(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    let fits = unsafe graph.withBytes(node) { bytes in
      if version == 0 {
        emit(.string)
        let quoted = unsafe EscapedText.quoted(bytes)
        for byte in quoted { emit(byte) }
        emit(0x0a)
      } else if bytes.count < 256 {
        unsafe emit(
          .shortBinString,
          length: UInt8(truncatingIfNeeded: bytes.count),
          bytes
        )
      } else if let length = Int32(exactly: bytes.count) {
        unsafe emit(.binString, length: length, bytes)
      } else {
        return false
      }
      return true
    }
    guard fits else {
      throw failure(id, "a Python 2 string of more than 2 GiB can't be written")
    }
    memoPut(id)
  }

  private mutating func saveBytes(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    if version < 3 {
      try saveBytesAsCall(node)
      memoPut(id)
      return
    }
    try emitBytes(id, node)
    memoPut(id)
  }

  private mutating func emitBytes(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    let fits = unsafe graph.withBytes(node) { bytes in
      if bytes.count < 256 {
        unsafe emit(
          .shortBinBytes,
          length: UInt8(truncatingIfNeeded: bytes.count),
          bytes
        )
      } else if let length = UInt32(exactly: bytes.count) {
        unsafe emit(.binBytes, length: length, bytes)
      } else if version >= 4 {
        unsafe emit(.binBytes8, length: UInt64(bytes.count), bytes)
      } else {
        return false
      }
      return true
    }
    guard fits else {
      throw failure(id, "bytes of more than 4 GiB need protocol 4")
    }
  }

  /// Protocols 0 to 2 have no bytes: `_codecs.encode(text, 'latin1')`.
  private mutating func saveBytesAsCall(_ node: Node) throws(PickleError) {
    let text = unsafe graph.withBytes(node) { bytes in
      unsafe EscapedText.latin1(bytes)
    }
    if text.isEmpty {
      saveBuiltin("bytes")
      saveEmptyTuple()
      emit(.reduce)
      return
    }
    saveGlobalOnce("_codecs", "encode")
    saveTwoTupleMark()
    _ = unsafe text.withUnsafeBytes { unsafe emitString($0) }
    _ = memoPutNew()
    saveText("latin1")
    emit(version >= 2 ? .tuple2 : .tuple)
    _ = memoPutNew()
    emit(.reduce)
  }

  private mutating func saveByteArray(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    if version >= 5 {
      unsafe graph.withBytes(node) { bytes in
        unsafe emit(.byteArray8, length: UInt64(bytes.count), bytes)
      }
      memoPut(id)
      return
    }
    saveBuiltin("bytearray")
    if unsafe graph.withBytes(node, { unsafe $0.isEmpty }) {
      saveEmptyTuple()
    } else {
      if version < 2 { emit(.mark) }
      if version < 3 {
        try saveBytesAsCall(node)
      } else {
        try emitBytes(id, node)
      }
      _ = memoPutNew()
      emit(version >= 2 ? .tuple1 : .tuple)
      _ = memoPutNew()
    }
    emit(.reduce)
    memoPut(id)
  }

  mutating func saveEmptyTuple() {
    if version >= 1 {
      emit(.emptyTuple)
    } else {
      emit(.mark)
      emit(.tuple)
    }
  }

  private mutating func saveTwoTupleMark() {
    if version < 2 { emit(.mark) }
  }
}
