internal import Tensors

/// Storages numbered in the order in which they are met.
struct StorageNumbers {
  /// The storages in the order of their numbers.
  private(set) var storages: [Storage] = []

  private var identities: [UInt] = []
  // A hash table of numbers counted from 1; 0 where there is none. The keys
  // are addresses, which no file chooses.
  private var slots: [UInt32]

  /// - Parameter expected: About how many storages will come.
  init(expected: Int = 0) {
    var capacity = 16
    while capacity < expected &* 2 { capacity &*= 2 }
    slots = Array(repeating: 0, count: capacity)
    storages.reserveCapacity(expected)
    identities.reserveCapacity(expected)
  }

  /// The number of a storage, the next one where it is new.
  mutating func number(of storage: Storage) -> Int {
    let identity = UInt(bitPattern: ObjectIdentifier(storage))
    var slot = firstSlot(identity)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if identities[number] == identity { return number }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    storages.append(storage)
    identities.append(identity)
    slots[slot] = UInt32(truncatingIfNeeded: storages.count)
    if storages.count * 2 > slots.count { grow() }
    return storages.count - 1
  }

  private func firstSlot(_ identity: UInt) -> Int {
    // The upper bits of the product depend on all bits of the address.
    let mixed = UInt64(identity) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 32) & (slots.count &- 1)
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: slots.count * 2)
    for (number, identity) in identities.enumerated() {
      var slot = firstSlot(identity)
      while slots[slot] != 0 { slot = (slot &+ 1) & (slots.count &- 1) }
      slots[slot] = UInt32(truncatingIfNeeded: number + 1)
    }
  }
}
