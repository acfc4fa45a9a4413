// Finding a record by its name, without a String per record.
internal import Pickle

/// Names of an archive's records, hashed.
///
/// PyTorch tells names apart without regard to case, so in its archives two
/// that differ in case alone are duplicates.
struct ZipNameIndex: Sendable {
  /// Pairs of records whose names count as equal: the first of them and a
  /// later one.
  private(set) var duplicates: [(first: Int, second: Int)] = []

  private let directory: ZipDirectory
  private let prefixLength: Int
  private let ignoringCase: Bool
  private var slots: [Int32]  // a record's index, or -1
  private let seed: UInt64

  /// Indexes the names in `directory` without their first `prefixLength`
  /// bytes; names that are not longer are left out.
  init(
    _ directory: ZipDirectory,
    prefixLength: Int = 0,
    ignoringCase: Bool
  ) {
    self.directory = directory
    self.prefixLength = prefixLength
    self.ignoringCase = ignoringCase
    // A hostile file must not be able to choose names that collide.
    seed = UInt64.random(in: .min ... .max)
    let count = directory.records.count
    var capacity = 16
    while capacity < count &* 2 { capacity &*= 2 }
    slots = Array(repeating: -1, count: capacity)
    directory.bytes.withView { view in
      for (index, record) in directory.records.enumerated() {
        guard let name = unsafe view.slice(nameRange(of: record)),
          unsafe !name.isEmpty, let small = Int32(exactly: index)
        else { continue }
        var slot = slot(ofHash: unsafe hash(name))
        while slots[slot] >= 0 {
          let other = Int(slots[slot])
          if let known = unsafe view.slice(
            nameRange(of: directory.records[other])
          ), unsafe areEqual(known, name) {
            duplicates.append((other, index))
            break
          }
          slot = (slot &+ 1) & (slots.count &- 1)
        }
        if slots[slot] < 0 { slots[slot] = small }
      }
    }
  }

  /// The first record with this name.
  subscript(_ name: String) -> Int? {
    var name = name
    return name.withUTF8 { utf8 in
      unsafe self[UnsafeRawBufferPointer(utf8)]
    }
  }

  /// Whether the record at a position, if there is one, has this very name.
  func isName(_ name: RecordName, ofRecordAt index: Int) -> Bool {
    guard directory.records.indices.contains(index) else { return false }
    let range = nameRange(of: directory.records[index])
    guard range.count == name.count else { return false }
    return directory.bytes.withView { view in
      var start = range.lowerBound
      var isSame = true
      unsafe name.forEachPiece { piece in
        let known = unsafe view.slice(start..<start + piece.count)
        isSame =
          isSame && (unsafe known.map { unsafe sameBytes($0, piece) } ?? false)
        start += piece.count
      }
      return isSame
    }
  }

  private subscript(_ name: UnsafeRawBufferPointer) -> Int? {
    directory.bytes.withView { view in
      var slot = unsafe slot(ofHash: hash(name))
      while slots[slot] >= 0 {
        let index = Int(slots[slot])
        if let known = unsafe view.slice(
          nameRange(of: directory.records[index])
        ), unsafe areEqual(known, name) {
          return index
        }
        slot = (slot &+ 1) & (slots.count &- 1)
      }
      return nil
    }
  }

  private func areEqual(
    _ first: UnsafeRawBufferPointer,
    _ second: UnsafeRawBufferPointer
  ) -> Bool {
    unsafe ignoringCase
      ? equalsIgnoringCase(first, second) : sameBytes(first, second)
  }

  private func nameRange(of record: ZipRecord) -> Range<Int> {
    let end = record.nameRange.upperBound
    return min(record.nameRange.lowerBound + prefixLength, end)..<end
  }

  private func slot(ofHash hash: UInt64) -> Int {
    Int(truncatingIfNeeded: hash) & (slots.count &- 1)
  }

  /// A hash that is the same for names that differ in case alone.
  private func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
    var state = seed ^ UInt64(truncatingIfNeeded: name.count)
    var offset = 0
    while offset < name.count {
      var word: UInt64 = 0
      if offset &+ 8 <= name.count {
        word = unsafe name.loadUnaligned(
          fromByteOffset: offset,
          as: UInt64.self
        )
      } else {
        for position in offset..<name.count {
          word = unsafe word << 8 | UInt64(name[position])
        }
      }
      // Setting this bit makes a letter's two cases one.
      let folded = word | 0x2020_2020_2020_2020
      let (high, low) = (state ^ folded).multipliedFullWidth(
        by: 0x9E37_79B9_7F4A_7C15
      )
      state = high ^ low ^ seed
      offset &+= 8
    }
    return state ^ state >> 32
  }
}

/// Whether two names are equal but for the case of ASCII letters.
func equalsIgnoringCase(
  _ first: UnsafeRawBufferPointer,
  _ second: UnsafeRawBufferPointer
) -> Bool {
  guard first.count == second.count else { return false }
  for index in 0..<first.count {
    let (one, other) = unsafe (first[index], second[index])
    if one != other, lowercased(one) != lowercased(other) { return false }
  }
  return true
}

private func lowercased(_ byte: UInt8) -> UInt8 {
  byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
}
