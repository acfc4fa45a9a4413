internal import OrderedCollections

/// The storages of a checkpoint by key, in the order of their first mention.
///
/// PyTorch's keys are numbers from 0: those are found without hashing.
struct StorageList: Sendable {
  private var keys: [StorageKey] = []
  private var entries: [StorageEntry] = []

  // The place of the storage whose key is a small number, or -1.
  private var numbered: [Int32] = []
  private var others: [StorageKey: Int32] = [:]

  /// Makes room for as many storages.
  mutating func reserveCapacity(_ count: Int) {
    keys.reserveCapacity(count)
    entries.reserveCapacity(count)
    numbered.reserveCapacity(count)
  }

  /// The storage with a key.
  subscript(key: StorageKey) -> StorageEntry? {
    if case .number(let number) = key, number < numbered.count,
      numbered[number] >= 0
    {
      return entries[Int(numbered[number])]
    }
    guard !others.isEmpty, let place = others[key] else { return nil }
    return entries[Int(place)]
  }

  /// Adds a storage whose key is new.
  mutating func append(_ entry: StorageEntry, forKey key: StorageKey) {
    let place = Int32(truncatingIfNeeded: entries.count)
    keys.append(key)
    entries.append(entry)
    // A number far beyond the others would need memory that nothing fills.
    guard case .number(let number) = key, number <= 2 * keys.count + 64 else {
      others[key] = place
      return
    }
    while numbered.count <= number { numbered.append(-1) }
    numbered[number] = place
  }

  /// All storages, for whoever looks some up.
  func byKey() -> OrderedDictionary<String, StorageEntry> {
    OrderedDictionary(uniqueKeysWithValues: zip(keys.map(\.text), entries))
  }
}
