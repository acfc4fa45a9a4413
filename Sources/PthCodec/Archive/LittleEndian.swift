// Little-endian numbers at the end of a byte array.

extension [UInt8] {
  /// Appends a number's bytes, lowest first.
  @inline(__always)
  mutating func append<Number: FixedWidthInteger>(littleEndian value: Number) {
    unsafe Swift.withUnsafeBytes(of: value.littleEndian) {
      unsafe append(contentsOf: $0)
    }
  }
}
