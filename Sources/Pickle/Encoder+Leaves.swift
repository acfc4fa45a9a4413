extension Encoder {
  mutating func saveBigInt(_ id: UInt32) throws(PickleError) {
    guard let bytes = graph.bigIntBytes(.init(id)) else { return }
    guard bytes.count <= Int(Int32.max) else {
      throw failure(id, "an integer of more than 2 GiB can't be written")
    }
    guard version >= 2 || bytes.count <= TwosComplement.maxDecimalBytes else {
      throw failure(id, "so large an integer needs protocol 2")
    }
    guard bytes.count > Self.longInteger else { return out.saveLong(bytes) }
    let known = memo[Int(id)]
    if known < Self.inProgress { return out.memoGet(known) }
    out.saveLong(bytes)
    // CPython remembers no integers, so none of its own comes twice: what
    // does was remembered in the file, and must not grow with its uses.
    if known == noNode {
      memo[Int(id)] = Self.inProgress
    } else {
      memoPut(id)
    }
  }

  /// The bytes of an integer that is worth a memo entry.
  private static let longInteger = 255

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
      unsafe out.emitString(bytes)
    }
    guard fits else {
      throw PickleOutput.tooLongText(at: arena.storage.nodes[Int(id)].offset)
    }
    memoPut(id)
  }

  /// Writes a string that has no node, once.
  mutating func saveText(_ text: String) {
    if let known = textMemo[text] { return out.memoGet(known) }
    var text = text
    _ = text.withUTF8 { unsafe out.emitString(UnsafeRawBufferPointer($0)) }
    textMemo[text] = out.memoPutNew()
  }

  private mutating func savePython2(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    let fits = unsafe graph.withBytes(node) { bytes in
      if version == 0 {
        out.emit(.string)
        let quoted = unsafe EscapedText.quoted(bytes)
        for byte in quoted { out.emit(byte) }
        out.emit(0x0a)
      } else if bytes.count < 256 {
        unsafe out.emit(
          .shortBinString,
          length: UInt8(truncatingIfNeeded: bytes.count),
          bytes
        )
      } else if let length = Int32(exactly: bytes.count) {
        unsafe out.emit(.binString, length: length, bytes)
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
        unsafe out.emit(
          .shortBinBytes,
          length: UInt8(truncatingIfNeeded: bytes.count),
          bytes
        )
      } else if let length = UInt32(exactly: bytes.count) {
        unsafe out.emit(.binBytes, length: length, bytes)
      } else if version >= 4 {
        unsafe out.emit(.binBytes8, length: UInt64(bytes.count), bytes)
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
      out.saveEmptyTuple()
      out.emit(.reduce)
      return
    }
    saveGlobalOnce("_codecs", "encode")
    saveTwoTupleMark()
    _ = unsafe text.withUnsafeBytes { unsafe out.emitString($0) }
    _ = out.memoPutNew()
    saveText("latin1")
    out.emit(version >= 2 ? .tuple2 : .tuple)
    _ = out.memoPutNew()
    out.emit(.reduce)
  }

  private mutating func saveByteArray(
    _ id: UInt32,
    _ node: Node
  ) throws(PickleError) {
    if version >= 5 {
      unsafe graph.withBytes(node) { bytes in
        unsafe out.emit(.byteArray8, length: UInt64(bytes.count), bytes)
      }
      memoPut(id)
      return
    }
    saveBuiltin("bytearray")
    if unsafe graph.withBytes(node, { unsafe $0.isEmpty }) {
      out.saveEmptyTuple()
    } else {
      if version < 2 { out.emit(.mark) }
      if version < 3 {
        try saveBytesAsCall(node)
      } else {
        try emitBytes(id, node)
      }
      _ = out.memoPutNew()
      out.emit(version >= 2 ? .tuple1 : .tuple)
      _ = out.memoPutNew()
    }
    out.emit(.reduce)
    memoPut(id)
  }

  private mutating func saveTwoTupleMark() {
    if version < 2 { out.emit(.mark) }
  }
}
