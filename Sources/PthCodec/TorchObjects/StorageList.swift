internal import OrderedCollections

/// The storages of a checkpoint by key, in the order of their first mention.
///
/// PyTorch's keys are numbers from 0: those are found without hashing.
struct StorageList: Sendable {
  private var keys: [String] = []
  private var entries: [StorageEntry] = []

  // The place of the storage whose key is a small number, or -1.
  private var numbered: [Int32] = []
  private var others: [String: Int32] = [:]

  /// Makes room for as many storages.
  mutating func reserveCapacity(_ count: Int) {
    keys.reserveCapacity(count)
    entries.reserveCapacity(count)
    numbered.reserveCapacity(count)
  }

  /// The storage with a key.
  subscript(key: String) -> StorageEntry? {
    if let number = Self.number(key), number < numbered.count,
      numbered[number] >= 0
    {
      return entries[Int(numbered[number])]
    }
    guard !others.isEmpty, let place = others[key] else { return nil }
    return entries[Int(place)]
  }

  /// Adds a storage whose key is new.
  mutating func append(_ entry: StorageEntry, forKey key: String) {
    let place = Int32(truncatingIfNeeded: entries.count)
    keys.append(key)
    entries.append(entry)
    // A number far beyond the others would need memory that nothing fills.
    guard let number = Self.number(key), number <= 2 * keys.count + 64 else {
      others[key] = place
      return
    }
    while numbered.count <= number { numbered.append(-1) }
    numbered[number] = place
  }

  /// All storages, for whoever looks some up.
  func byKey() -> OrderedDictionary<String, StorageEntry> {
    OrderedDictionary(uniqueKeysWithValues: zip(keys, entries))
  }

  /// The number that a key is, written as Python writes it.
  private static func number(_ key: String) -> Int? {
    var key = key
    return key.withUTF8 { digits in
      guard let first = unsafe digits.first, digits.count <= 9,
        first != UInt8(ascii: "0") || digits.count == 1
      else { return nil }
      var number = 0
      for index in 0..<digits.count {
        let digit = unsafe digits[index]
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else {
          return nil
        }
        number = number &* 10 &+ Int(digit &- UInt8(ascii: "0"))
      }
      return number
    }
  }
}
