internal import Tensors

/// The block types of ggml: 32 numbers with a scale in half precision.
///
/// Bit for bit as the reference does it (`quantize_row_q8_0_ref` and the others
/// in ggml-quants.c).
enum GGUFBlocks {
  /// The numbers in a block.
  static let size = 32

  /// The float32 of all blocks in `bytes`.
  static func decode(
    _ bytes: UnsafeRawBufferPointer,
    _ type: GGUFType,
    to target: UnsafeMutableRawBufferPointer
  ) {
    for block in 0..<(bytes.count / type.blockBytes) {
      let start = block * type.blockBytes
      let from = unsafe UnsafeRawBufferPointer(
        rebasing: bytes[start..<(start + type.blockBytes)]
      )
      for index in 0..<size {
        unsafe target.storeBytes(
          of: decodeNumber(index, from, type),
          toByteOffset: (block * size + index) * 4,
          as: Float.self
        )
      }
    }
  }

  @inline(__always)
  private static func decodeNumber(
    _ index: Int,
    _ block: UnsafeRawBufferPointer,
    _ type: GGUFType
  ) -> Float {
    let scale = unsafe half(block, 0)
    switch type {
    case .q8_0:
      return unsafe Float(Int8(bitPattern: block[2 + index])) * scale
    case .q4_0:
      return unsafe scale * Float(Int(nibble(block, 2, index)) - 8)
    case .q4_1:
      return unsafe scale * Float(nibble(block, 4, index)) + half(block, 2)
    case .q5_0:
      let low = unsafe nibble(block, 6, index)
      let high = unsafe bit(block, 2, index) << 4
      return scale * Float(Int(low | high) - 16)
    case .q5_1:
      let low = unsafe nibble(block, 8, index)
      let high = unsafe bit(block, 4, index) << 4
      return unsafe scale * Float(low | high) + half(block, 2)
    default: return 0
    }
  }

  /// Four bits: the first 16 numbers lie in the lower halves of the bytes.
  @inline(__always)
  private static func nibble(
    _ block: UnsafeRawBufferPointer,
    _ start: Int,
    _ index: Int
  ) -> UInt8 {
    unsafe index < 16
      ? block[start + index] & 15 : block[start + index - 16] >> 4
  }

  @inline(__always)
  private static func bit(
    _ block: UnsafeRawBufferPointer,
    _ start: Int,
    _ index: Int
  ) -> UInt8 {
    unsafe block[start + index / 8] >> UInt8(index % 8) & 1
  }

  @inline(__always)
  private static func half(
    _ block: UnsafeRawBufferPointer,
    _ start: Int
  ) -> Float {
    HalfFloat.widen(
      unsafe UInt16(block[start]) | UInt16(block[start + 1]) << 8
    )
  }

  /// Appends the block of 32 numbers.
  ///
  /// - Returns: False where a number is infinite, NaN or too large for the
  ///   scale, which the type can't hold.
  static func encode(
    _ numbers: ArraySlice<Float>,
    _ type: GGUFType,
    to bytes: inout [UInt8]
  ) -> Bool {
    var extreme: Float = 0
    for number in numbers {
      guard number.isFinite else { return false }
      // The first of the largest magnitude, with its sign.
      if abs(number) > abs(extreme) { extreme = number }
    }
    let scale = type == .q8_0 ? abs(extreme) / 127 : extreme / -8
    let inverse = scale == 0 || !(1 / scale).isFinite ? 0 : 1 / scale
    let half = HalfFloat.narrow(scale)
    guard half & 0x7c00 != 0x7c00 else { return false }
    bytes.append(UInt8(truncatingIfNeeded: half))
    bytes.append(UInt8(truncatingIfNeeded: half >> 8))
    if type == .q8_0 {
      for number in numbers {
        let scaled = (number * inverse).rounded(.toNearestOrAwayFromZero)
        bytes.append(UInt8(bitPattern: Int8(max(-128, min(127, scaled)))))
      }
    } else {
      let codes = numbers.map { number in
        UInt8(max(0, min(15, (number * inverse + 8.5).rounded(.towardZero))))
      }
      for index in 0..<16 {
        bytes.append(codes[index] | codes[index + 16] << 4)
      }
    }
    return true
  }
}

/// Half precision by hand, for single numbers.
enum HalfFloat {
  /// The float32 of a half.
  static func widen(_ half: UInt16) -> Float {
    let sign = UInt32(half & 0x8000) << 16
    let magnitude = UInt32(half & 0x7fff)
    if magnitude >= 0x7c00 {
      return Float(bitPattern: sign | 0x7f80_0000 | magnitude << 13)
    }
    // The half's exponent is too small by 112.
    let scaled = Float(bitPattern: magnitude << 13) * 0x1p112
    return Float(bitPattern: sign | scaled.bitPattern)
  }

  /// The half nearest to a finite float32, ties to even.
  static func narrow(_ value: Float) -> UInt16 {
    let sign = UInt16(value.bitPattern >> 16 & 0x8000)
    let magnitude = value.magnitude
    guard magnitude < 65520 else { return sign | 0x7c00 }
    if magnitude < 0x1p-14 {
      // Steps of 2⁻²⁴: the sum's last bit is one of them.
      let rounded = (magnitude + 0.5).bitPattern &- Float(0.5).bitPattern
      return sign | UInt16(truncatingIfNeeded: rounded)
    }
    let bits = magnitude.bitPattern
    let rounded = (bits + 0xfff + (bits >> 13 & 1)) >> 13
    return sign | UInt16(truncatingIfNeeded: rounded &- (112 << 10))
  }
}
