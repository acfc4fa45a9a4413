// The record `.data/serialization_id`, which torch ≥ 2.1 computes from what it
// has written. PyTorch only logs it; here it makes files equal to its own.

internal import Pickle

/// PyTorch's identification of an archive's content: 40 digits.
///
/// The first 20 fold the hashes of the records' names, in the order in which
/// libstdc++'s `unordered_set` hands them out; the last 20 fold the CRCs in the
/// order of writing. So the first half is that of PyTorch on Linux.
enum SerializationID {
  /// The identification of records with these names' hashes, in the order of
  /// writing, and checksums.
  static func text(nameHashes: [UInt64], checksums: ChecksumFold) -> String {
    var folded: UInt64 = 0
    for index in HashSetOrder(hashes: nameHashes).indices {
      folded = combine(folded, nameHashes[index])
    }
    return zeroPadded(folded, width: 20)
      + zeroPadded(checksums.value, width: 20)
  }

  private static func combine(_ seed: UInt64, _ value: UInt64) -> UInt64 {
    seed ^ (value &+ 0x9E37_79B9 &+ (seed << 6) &+ (seed >> 2))
  }

  /// The fold of the records' checksums.
  struct ChecksumFold {
    private(set) var value: UInt64 = 0

    mutating func add(_ checksum: UInt32) {
      value = combine(value, UInt64(checksum))
    }

    /// PyTorch takes any write that begins as a descriptor for one, also a
    /// record's own bytes: so that must be done here.
    mutating func addStart(of bytes: UnsafeRawBufferPointer) {
      let view = unsafe ByteView(bytes)
      if view.u32(0) == Zip.descriptorSignature, let word = view.u32(4) {
        add(word)
      }
    }
  }

  /// libstdc++'s `std::hash<std::string>`: MurmurHash2 for 64 bits.
  static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let multiplier: UInt64 = 0xC6A4_A793_5BD1_E995
    func mixed(_ value: UInt64) -> UInt64 { value ^ (value >> 47) }
    var hash = 0xC70F_6907 ^ (UInt64(bytes.count) &* multiplier)
    let aligned = bytes.count & ~7
    for start in stride(from: 0, to: aligned, by: 8) {
      let word = unsafe bytes.loadUnaligned(
        fromByteOffset: start,
        as: UInt64.self
      )
      hash ^= mixed(UInt64(littleEndian: word) &* multiplier) &* multiplier
      hash = hash &* multiplier
    }
    if aligned < bytes.count {
      var word: UInt64 = 0
      for place in (aligned..<bytes.count).reversed() {
        word = unsafe word << 8 | UInt64(bytes[place])
      }
      hash ^= word
      hash = hash &* multiplier
    }
    return mixed(mixed(hash) &* multiplier)
  }
}

/// The order in which libstdc++'s `unordered_set` hands out its elements.
///
/// Its elements form one list, those of a bucket next to each other; a new one
/// goes to the front of its bucket, the first of a bucket to the front of the
/// list. The set grows when it is full, and then moves all elements over.
private struct HashSetOrder {
  private(set) var indices: [Int] = []

  private let hashes: [UInt64]
  // Links and buckets hold positions in `next`: element + 1, the list's own
  // head being 0; -1 is none.
  private var next: [Int32]
  private var buckets: [Int32] = []
  // Each position's bucket: a division costs more than all the rest.
  private var places: [Int32]

  // The bucket counts that the set goes through, as it grows.
  private static let sizes = [
    13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229,
    172933, 351061, 712697, 1_447_153, 2_938_679, 5_967_347, 12_117_689,
    24_607_243, 49_969_847,
  ]

  init(hashes: [UInt64]) {
    self.hashes = hashes
    next = Array(repeating: -1, count: hashes.count + 1)
    places = next
    for element in hashes.indices {
      if element >= buckets.count { grow(toHold: element + 1) }
      insert(element + 1)
    }
    var node = Int(next[0])
    indices.reserveCapacity(hashes.count)
    while node > 0 {
      indices.append(node - 1)
      node = Int(next[node])
    }
  }

  private mutating func insert(_ node: Int) {
    let bucket = Int(hashes[node - 1] % UInt64(buckets.count))
    let position = Int32(truncatingIfNeeded: node)
    places[node] = Int32(truncatingIfNeeded: bucket)
    let before = Int(buckets[bucket])
    if before >= 0 {
      next[node] = next[before]
      next[before] = position
    } else {
      let first = next[0]
      next[node] = first
      next[0] = position
      if first > 0 { buckets[Int(places[Int(first)])] = position }
      buckets[bucket] = 0
    }
  }

  private mutating func grow(toHold count: Int) {
    let size = Self.sizes.first { $0 >= count } ?? count * 2 + 1
    var node = Int(next[0])
    next[0] = -1
    buckets = Array(repeating: -1, count: size)
    while node > 0 {
      let following = Int(next[node])
      insert(node)
      node = following
    }
  }
}
