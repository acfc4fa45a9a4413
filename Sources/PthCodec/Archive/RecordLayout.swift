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

  /// The zip64 field: sizes, then the offset, each only where it is needed.
  let zip64Size: Int
  /// The bytes of `Z` that move the record's bytes to a multiple of 64.
  private let padding: Int

  private static let limit = Int(UInt32.max)
  private static let alignment = 64

  init(offset: Int, nameLength: Int, size: Int, uncompressedSize: Int) {
    self.offset = offset
    self.nameLength = nameLength
    self.size = size
    self.uncompressedSize = uncompressedSize
    let isLarge = uncompressedSize >= Self.limit
    let isFar = offset >= Self.limit
    zip64Size =
      isLarge || isFar ? 4 + (isLarge ? 16 : 0) + (isFar ? 8 : 0) : 0
    let start = offset + Zip.localHeaderSize + nameLength + zip64Size + 4
    let excess = start % Self.alignment
    padding = excess == 0 ? 0 : Self.alignment - excess
  }

  private var isLarge: Bool { uncompressedSize >= Self.limit }
  private var isFar: Bool { offset >= Self.limit }

  /// An empty record has no descriptor.
  var hasDescriptor: Bool { uncompressedSize > 0 }

  var localExtraSize: Int { zip64Size + 4 + padding }

  /// The bytes of the record's local header.
  var localHeaderSize: Int {
    Zip.localHeaderSize + nameLength + localExtraSize
  }

  private var descriptorSize: Int {
    hasDescriptor ? (zip64Size > 0 ? 24 : 16) : 0
  }

  /// Where the next record starts.
  var end: Int { offset + localHeaderSize + size + descriptorSize }

  /// The bytes of the record's entry in the central directory.
  var directoryEntrySize: Int {
    Zip.centralHeaderSize + nameLength + zip64Size
  }

  var shortSize: UInt32 { isLarge ? .max : UInt32(size) }
  var shortUncompressedSize: UInt32 {
    isLarge ? .max : UInt32(uncompressedSize)
  }
  var shortOffset: UInt32 { isFar ? .max : UInt32(offset) }

  /// What both headers have: the version, flags, method and date.
  @inline(__always)
  func putVersionAndFlags(method: UInt16, to header: inout ByteCursor) {
    header.put(littleEndian: UInt16(method == 0 ? 0 : 20))
    // UTF-8 names; sizes follow in a descriptor, where there are any bytes.
    header.put(littleEndian: UInt16(hasDescriptor ? 0x0808 : 0x0800))
    header.put(littleEndian: method)
    header.put(littleEndian: UInt32(0))  // no date
  }

  /// Writes the local header of a record with this name, root included.
  func appendLocalHeader(
    _ name: UnsafeRawBufferPointer,
    method: UInt16,
    to bytes: ByteBuilder
  ) {
    bytes.append(size: localHeaderSize) { header in
      header.put(littleEndian: Zip.localSignature)
      putVersionAndFlags(method: method, to: &header)
      // CRC and sizes are in the descriptor and the directory.
      header.put(littleEndian: UInt64(0))
      header.put(littleEndian: UInt32(0))
      header.put(littleEndian: UInt16(truncatingIfNeeded: nameLength))
      header.put(littleEndian: UInt16(localExtraSize))
      unsafe header.put(name)
      // miniz has not compressed anything yet, so it writes 0 as that size.
      putZip64(compressedSize: 0, to: &header)
      header.put(littleEndian: UInt16(0x4246))  // "FB"
      header.put(littleEndian: UInt16(padding))
      header.put(UInt8(ascii: "Z"), count: padding)
    }
  }

  func putCentralExtra(to entry: inout ByteCursor) {
    putZip64(compressedSize: size, to: &entry)
  }

  private func putZip64(compressedSize: Int, to header: inout ByteCursor) {
    guard zip64Size > 0 else { return }
    header.put(littleEndian: UInt16(1))
    header.put(littleEndian: UInt16(zip64Size - 4))
    if isLarge {
      header.put(littleEndian: UInt64(uncompressedSize))
      header.put(littleEndian: UInt64(compressedSize))
    }
    if isFar { header.put(littleEndian: UInt64(offset)) }
  }

  func appendDescriptor(crc: UInt32, to bytes: ByteBuilder) {
    bytes.append(size: descriptorSize) { descriptor in
      guard hasDescriptor else { return }
      descriptor.put(littleEndian: Zip.descriptorSignature)
      descriptor.put(littleEndian: crc)
      if zip64Size > 0 {
        descriptor.put(littleEndian: UInt64(size))
        descriptor.put(littleEndian: UInt64(uncompressedSize))
      } else {
        descriptor.put(littleEndian: UInt32(size))
        descriptor.put(littleEndian: UInt32(uncompressedSize))
      }
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
