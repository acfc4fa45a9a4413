import TestSupport

/// Changes files as damage and attackers do: bits, lengths, cuts and splices.
struct Mutator {
  private var random: SeededGenerator
  /// The file that pieces are taken from, beside the changed one itself.
  private let donor: [UInt8]

  init(seed: UInt64, for name: String, donor: [UInt8]) {
    random = SeededGenerator(seed: seed, for: name)
    self.donor = donor
  }

  /// A copy with one to four changes.
  mutating func mutated(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...pick(4) {
      change(&bytes)
    }
    return bytes
  }

  private mutating func pick(_ count: Int) -> Int {
    Int.random(in: 0..<max(1, count), using: &random)
  }

  /// A place to change: heads and tails hold what readers go by.
  private mutating func place(in bytes: [UInt8], room: Int = 1) -> Int {
    let last = bytes.count - room
    guard last > 0 else { return 0 }
    return switch pick(4) {
    case 0: pick(min(last + 1, 512))
    case 1: last - pick(min(last + 1, 512))
    default: pick(last + 1)
    }
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    switch pick(9) {
    case 0: bytes[place(in: bytes)] ^= 1 << UInt8(pick(8))
    case 1: bytes[place(in: bytes)] = UInt8(pick(256))
    case 2: bytes.removeLast(pick(bytes.count))
    case 3:
      let start = place(in: bytes)
      bytes.removeSubrange(start..<start + pick(min(64, bytes.count - start)))
    case 4: splice(&bytes)
    case 5: repeatPiece(&bytes)
    case 6: changeDigit(&bytes)
    default: changeLength(&bytes)
    }
  }

  /// Puts a piece of another file, or of this one, over or between bytes.
  private mutating func splice(_ bytes: inout [UInt8]) {
    let source = pick(2) == 0 ? bytes : donor
    let from = pick(source.count)
    let piece = source[from..<min(source.count, from + 1 + pick(64))]
    let start = place(in: bytes)
    let end = pick(2) == 0 ? start : min(bytes.count, start + piece.count)
    bytes.replaceSubrange(start..<end, with: piece)
  }

  private mutating func repeatPiece(_ bytes: inout [UInt8]) {
    let start = place(in: bytes)
    let piece = Array(bytes[start..<min(bytes.count, start + 1 + pick(32))])
    for _ in 0...pick(100) {
      bytes.insert(contentsOf: piece, at: start)
    }
  }

  /// Changes a decimal digit, as headers in text have them.
  private mutating func changeDigit(_ bytes: inout [UInt8]) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let start = place(in: bytes)
    guard
      let index = bytes[start...].firstIndex(where: digits.contains)
    else { return }
    let choices = ["9", "0", "-", "99999999999999999999", "1e9", ".", ""]
    bytes.replaceSubrange(
      index...index,
      with: choices[pick(choices.count)].utf8
    )
  }

  /// Writes a number that breaks what counts with it, in either byte order.
  private mutating func changeLength(_ bytes: inout [UInt8]) {
    let width = [2, 4, 8][pick(3)]
    guard bytes.count >= width else { return }
    let size = UInt64(bytes.count)
    let choices: [UInt64] = [
      0, 1, .max, .max - 1, 1 << 63, 1 << 31, 1 << 32, (1 << 31) - 1,
      (1 << 63) - 1, 0x7FFF, 0x8000, size, size &+ 1, size &- 1, size / 2,
      (1 << 62) + 1, 1 << 40,
    ]
    let value = choices[pick(choices.count)]
    let start = place(in: bytes, room: width)
    let isBig = pick(2) == 0
    for index in 0..<width {
      let shift = UInt64(8 * (isBig ? width - 1 - index : index))
      bytes[start + index] = UInt8(truncatingIfNeeded: value >> shift)
    }
  }
}
