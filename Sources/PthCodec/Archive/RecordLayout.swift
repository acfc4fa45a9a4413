// Where the parts of a record lie in PyTorch's archives: padding, zip64
// fields, descriptors. All of it follows from the offset, name and size.

/// The parts of one record around its bytes.
struct RecordLayout {
  /// Where the local header starts.
  let offset: Int
  let nameLength: Int
  /// The bytes in the file, and their count when inflated.
  let size: Int
  let uncompressedSize: Int

  private static let limit = Int(UInt32.max)
  private static let alignment = 64

  private var isLarge: Bool { uncompressedSize >= Self.limit }
  private var isFar: Bool { offset >= Self.limit }
  private var hasZip64: Bool { isLarge || isFar }

  /// An empty record has no descriptor.
  var hasDescriptor: Bool { uncompressedSize > 0 }

  /// The zip64 field: sizes, then the offset, each only where it is needed.
  private var zip64Size: Int {
    hasZip64 ? 4 + (isLarge ? 16 : 0) + (isFar ? 8 : 0) : 0
  }

  /// The bytes of `Z` that move the record's bytes to a multiple of 64.
  private var padding: Int {
    let start = offset + Zip.localHeaderSize + nameLength + zip64Size + 4
    let excess = start % Self.alignment
    return excess == 0 ? 0 : Self.alignment - excess
  }

  var localExtraSize: Int { zip64Size + 4 + padding }
  var centralExtraSize: Int { zip64Size }

  private var descriptorSize: Int {
    hasDescriptor ? (hasZip64 ? 24 : 16) : 0
  }

  /// Where the next record starts.
  var end: Int {
    offset + Zip.localHeaderSize + nameLength + localExtraSize + size
      + descriptorSize
  }

  /// The bytes of the record's entry in the central directory.
  var directoryEntrySize: Int {
    Zip.centralHeaderSize + nameLength + centralExtraSize
  }

  var shortSize: UInt32 { isLarge ? .max : UInt32(size) }
  var shortUncompressedSize: UInt32 {
    isLarge ? .max : UInt32(uncompressedSize)
  }
  var shortOffset: UInt32 { isFar ? .max : UInt32(offset) }

  /// What both headers have: the version, flags, method and date.
  func appendVersionAndFlags(method: UInt16, to bytes: ByteBuilder) {
    bytes.append(littleEndian: UInt16(method == 0 ? 0 : 20))
    // UTF-8 names; sizes follow in a descriptor, where there are any bytes.
    bytes.append(littleEndian: UInt16(hasDescriptor ? 0x0808 : 0x0800))
    bytes.append(littleEndian: method)
    bytes.append(littleEndian: UInt32(0))  // no date
  }

  func appendLocalExtra(to bytes: ByteBuilder) {
    // miniz has not compressed anything yet, so it writes 0 as that size.
    appendZip64(compressedSize: 0, to: bytes)
    bytes.append(littleEndian: UInt16(0x4246))  // "FB"
    bytes.append(littleEndian: UInt16(padding))
    bytes.append(UInt8(ascii: "Z"), count: padding)
  }

  func appendCentralExtra(to bytes: ByteBuilder) {
    appendZip64(compressedSize: size, to: bytes)
  }

  private func appendZip64(compressedSize: Int, to bytes: ByteBuilder) {
    guard hasZip64 else { return }
    bytes.append(littleEndian: UInt16(1))
    bytes.append(littleEndian: UInt16(zip64Size - 4))
    if isLarge {
      bytes.append(littleEndian: UInt64(uncompressedSize))
      bytes.append(littleEndian: UInt64(compressedSize))
    }
    if isFar { bytes.append(littleEndian: UInt64(offset)) }
  }

  func appendDescriptor(crc: UInt32, to bytes: ByteBuilder) {
    guard hasDescriptor else { return }
    bytes.append(littleEndian: Zip.descriptorSignature)
    bytes.append(littleEndian: crc)
    if hasZip64 {
      bytes.append(littleEndian: UInt64(size))
      bytes.append(littleEndian: UInt64(uncompressedSize))
    } else {
      bytes.append(littleEndian: UInt32(size))
      bytes.append(littleEndian: UInt32(uncompressedSize))
    }
  }
}

/// The records after the central directory: PyTorch always writes all three.
enum EndRecords {
  static let size = Zip.end64Size + Zip.locatorSize + Zip.endSize

  static func bytes(
    recordCount: Int,
    directoryStart: Int,
    directorySize: Int
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    bytes.append(littleEndian: Zip.end64Signature)
    bytes.append(littleEndian: UInt64(Zip.end64Size - 12))
    bytes.append(littleEndian: UInt16(0x031E))  // made by: 3.0 on Unix
    bytes.append(littleEndian: UInt16(0x002D))  // needs 4.5
    bytes.append(littleEndian: UInt64(0))  // both volume numbers
    bytes.append(littleEndian: UInt64(recordCount))
    bytes.append(littleEndian: UInt64(recordCount))
    bytes.append(littleEndian: UInt64(directorySize))
    bytes.append(littleEndian: UInt64(directoryStart))

    bytes.append(littleEndian: Zip.locatorSignature)
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: UInt64(directoryStart + directorySize))
    bytes.append(littleEndian: UInt32(1))

    bytes.append(littleEndian: Zip.endSignature)
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: UInt16(clamping: recordCount))
    bytes.append(littleEndian: UInt16(clamping: recordCount))
    bytes.append(littleEndian: UInt32(clamping: directorySize))
    bytes.append(littleEndian: UInt32(clamping: directoryStart))
    bytes.append(littleEndian: UInt16(0))
    return bytes
  }
}
