internal import Pickle
internal import Tensors

/// A storage as a persistent id names it.
struct StorageReference: Hashable, Sendable {
  /// The key: `0`, `1` … in zip archives, a decimal address in legacy files.
  var key: String { name.text }
  /// The key as it was read.
  let name: StorageKey
  /// The class that stands as the storage's type.
  let type: StorageType
  /// The device that it was saved from.
  let location: String
  /// The number of elements, or of bytes for an untyped storage.
  let count: Int
  /// The part of the storage that is meant, in elements, in old legacy files.
  let view: StorageViewReference?
}

/// A part of a storage, as old legacy files have it, in elements.
struct StorageViewReference: Hashable, Sendable {
  let key: String
  let offset: Int
  let count: Int
}

/// A storage of the file with the facts that its persistent ids tell.
struct StorageEntry: Sendable {
  let type: StorageType
  let location: String
  let storage: Storage
  /// Where a view of the storage begins, in elements.
  var firstElement = 0
}

/// Finds the bytes of storages, one object for each key.
///
/// The container says where a key's bytes are: a record of the zip archive, a
/// run of the legacy file, a member of the tar.
struct StorageTable {
  /// Gives the bytes of a key, checked to be as many as the second argument.
  typealias Source = (StorageReference, _ byteCount: Int) throws -> Storage

  /// The storages in the order of their first mention.
  private(set) var list = StorageList()

  private let source: Source

  init(source: @escaping Source) {
    self.source = source
  }

  /// Makes room for as many storages.
  mutating func reserveCapacity(_ count: Int) {
    list.reserveCapacity(count)
  }

  /// The storage that a reference means.
  ///
  /// - Throws: ``CheckpointError`` for counts that can't be, for references
  ///   that contradict each other, and what the container throws.
  mutating func resolve(_ reference: StorageReference) throws -> StorageEntry {
    let entry: StorageEntry
    if let known = list[reference.name] {
      entry = known
    } else {
      guard
        reference.count >= 0,
        let size = reference.type.byteCount(of: reference.count)
      else {
        throw CheckpointError(
          .damaged,
          "storage \(reference.key) claims \(reference.count) elements"
        )
      }
      entry = StorageEntry(
        type: reference.type,
        location: reference.location,
        storage: reference.location == "meta"
          ? .meta(byteCount: size) : try source(reference, size)
      )
      list.append(entry, forKey: reference.name)
    }
    guard let view = reference.view else { return entry }
    guard
      view.offset >= 0, view.count >= 0,
      let start = reference.type.byteCount(of: view.offset),
      let size = reference.type.byteCount(of: view.count),
      start <= entry.storage.byteCount,
      size <= entry.storage.byteCount - start
    else {
      throw CheckpointError(
        .damaged,
        "storage view \(view.key) takes \(view.count) elements from "
          + "\(view.offset), past the end of its storage"
      )
    }
    return StorageEntry(
      type: reference.type,
      location: entry.location,
      storage: entry.storage,
      firstElement: view.offset
    )
  }
}

extension StorageType {
  /// The bytes of `count` elements; storages of packed dtypes count bytes.
  func byteCount(of count: Int) -> Int? {
    let (bytes, overflow) = count.multipliedReportingOverflow(
      by: countedDType.itemSize
    )
    return overflow ? nil : bytes
  }
}
