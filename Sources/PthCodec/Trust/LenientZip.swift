internal import CDeflate
internal import Tensors

/// A zip archive as PyTorch's own reader sees it, faults and all.
///
/// That reader believes the central directory: it compares neither sums nor
/// names nor sizes with the local headers, and finds names without regard to
/// case. ``ZipDirectory`` refuses much of what it takes.
///
/// Source: the behaviour of miniz as torch 1.13 and 2.13 build it in, from what
/// both do with damaged files (`fixtures/loading`).
struct LenientZip {
  /// What keeps the reader from opening the archive, or a record.
  struct Fault: Error {
    let code: String
    var record: String?
    let message: String

    init(_ code: String, record: String? = nil, _ message: String) {
      self.code = code
      self.record = record
      self.message = message
    }
  }

  /// One entry of the central directory.
  struct Entry {
    /// The name's bytes, up to the first NUL.
    let name: [UInt8]
    let flags: UInt16
    let method: UInt16
    let compressedSize: Int
    let size: Int
    let headerOffset: Int

    var isDeflated: Bool { method == 8 }
  }

  /// What a record holds.
  struct Content {
    let storage: Storage
    /// Whether the bytes are not what was compressed, unnoticed by torch.
    let isGarbage: Bool
  }

  /// All entries in the directory's order.
  let entries: [Entry]
  /// The folder that the first entry is in.
  let root: [UInt8]

  private let bytes: ArchiveBytes
  private let file: MappedFile
  private let limits: ArchiveLimits
  private var places: [[UInt8]: Int] = [:]

  /// The names, without the root, that come more than once.
  private(set) var duplicates: [String] = []

  init(_ file: MappedFile, limits: ArchiveLimits) throws(Fault) {
    self.file = file
    self.limits = limits
    let bytes = ArchiveBytes(file)
    self.bytes = bytes
    let result = bytes.withView { view -> Result<[Entry], Fault> in
      do throws(Fault) {
        return .success(try LenientZipDirectory(view).entries())
      } catch {
        return .failure(error)
      }
    }
    entries = try result.get()
    guard let first = entries.first else {
      throw Fault("no-records", "the archive has no record")
    }
    let slash = UInt8(ascii: "/")
    guard let end = first.name.firstIndex(of: slash) else {
      throw Fault(
        "no-single-root",
        record: Self.text(first.name),
        "the first record is in no folder"
      )
    }
    root = Array(first.name[..<end])
    for (index, entry) in entries.enumerated() {
      let known = places.updateValue(index, forKey: Self.folded(entry.name))
      if known != nil { duplicates.append(Self.text(entry.name)) }
    }
    if !duplicates.isEmpty { findAsSorted() }
  }

  /// Of names that come more than once takes the one that torch finds: it
  /// sorts the directory, by a sort that isn't stable, and halves its way.
  private mutating func findAsSorted() {
    let names = entries.map { Self.folded($0.name) }
    var order = Array(names.indices)
    HeapSort.sort(&order) { names[$0].lexicographicallyPrecedes(names[$1]) }
    for name in Set(duplicates.map { Self.folded(Array($0.utf8)) }) {
      var range = order.indices
      while !range.isEmpty {
        let middle = range.lowerBound + (range.count - 1) / 2
        let found = names[order[middle]]
        if found == name {
          places[name] = order[middle]
          break
        }
        range =
          found.lexicographicallyPrecedes(name)
          ? middle + 1..<range.upperBound : range.lowerBound..<middle
      }
    }
  }

  /// Checks that torch can list all records, which it does before loading.
  func checkNames() throws(Fault) {
    let prefix = root + [UInt8(ascii: "/")]
    for entry in entries {
      guard entry.name.starts(with: prefix) else {
        throw Fault(
          "no-single-root",
          record: Self.text(entry.name),
          "the record is not in the folder \(Self.text(root))"
        )
      }
      guard String(validating: entry.name, as: UTF8.self) != nil else {
        throw Fault(
          "name-not-utf8",
          record: Self.text(entry.name),
          "the record's name is not UTF-8"
        )
      }
    }
  }

  func contains(_ name: String) -> Bool { entry(name) != nil }

  /// Whether there is a record of exactly this name.
  func lists(_ name: String) -> Bool {
    let wanted = root + [UInt8(ascii: "/")] + Array(name.utf8)
    return entries.contains { $0.name == wanted }
  }

  func hasFolder(_ name: String) -> Bool {
    let prefix = root + [UInt8(ascii: "/")] + Array(name.utf8)
    return entries.contains { $0.name.starts(with: prefix) }
  }

  func entry(_ name: String) -> Entry? {
    places[Self.folded(root + [UInt8(ascii: "/")] + Array(name.utf8))]
      .map { entries[$0] }
  }

  /// A record's bytes as torch reads them.
  ///
  /// - Returns: Nil where there is no such record.
  func content(_ name: String) throws(Fault) -> Content? {
    guard let entry = entry(name) else { return nil }
    // Encrypted, strongly encrypted, a patch.
    guard entry.flags & 0x61 == 0 else {
      throw Fault("encrypted", record: name, "the record is encrypted")
    }
    guard entry.method == 0 || entry.isDeflated else {
      throw Fault(
        "unknown-method",
        record: name,
        "the record has the compression method \(entry.method)"
      )
    }
    guard entry.compressedSize > 0 else {
      return Content(storage: .empty, isGarbage: entry.size > 0)
    }
    let range = bytes.withView { view -> Range<Int>? in
      guard entry.headerOffset <= view.count,
        view.u32(entry.headerOffset) == Zip.localSignature,
        let nameSize = view.u16(entry.headerOffset + 26),
        let extraSize = view.u16(entry.headerOffset + 28)
      else { return nil }
      return Range(
        start: entry.headerOffset + Zip.localHeaderSize + Int(nameSize)
          + Int(extraSize),
        count: entry.compressedSize
      )
    }
    guard let range, range.upperBound <= bytes.count else {
      throw Fault(
        "bad-local-header",
        record: name,
        "the local header is destroyed, or the record runs past the end"
      )
    }
    do {
      let stored = try Storage(mapping: file, range: range)
      return entry.isDeflated
        ? try inflated(stored, entry, name)
        : Content(storage: stored, isGarbage: false)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault("unreadable", record: name, "\(error)")
    }
  }

  private func inflated(
    _ stored: Storage,
    _ entry: Entry,
    _ name: String
  ) throws -> Content {
    let most = limits.most(
      from: entry.compressedSize,
      isPickle: name.hasSuffix(".pkl")
    )
    guard entry.size <= most else {
      throw Fault(
        "too-large",
        record: name,
        "the record would become \(entry.size) bytes, more than the limits"
      )
    }
    var outcome = LIBDEFLATE_BAD_DATA
    let storage = try unsafe Storage(byteCount: entry.size) { output in
      // What does not inflate stays as it is: zeros here, anything in torch.
      unsafe output.initializeMemory(as: UInt8.self, repeating: 0)
      guard let inflater = unsafe libdeflate_alloc_decompressor() else {
        return
      }
      defer { unsafe libdeflate_free_decompressor(inflater) }
      var count = 0
      outcome = try unsafe stored.withUnsafeBytes { input in
        unsafe libdeflate_deflate_decompress(
          inflater,
          input.baseAddress,
          input.count,
          output.baseAddress,
          output.count,
          &count
        )
      }
      if outcome == LIBDEFLATE_SUCCESS, count < entry.size {
        throw Fault(
          "bad-compression",
          record: name,
          "the record inflates to \(count) bytes, not \(entry.size)"
        )
      }
    }
    return Content(storage: storage, isGarbage: outcome != LIBDEFLATE_SUCCESS)
  }

  /// ASCII letters in lower case.
  private static func folded(_ name: [UInt8]) -> [UInt8] {
    name.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
  }

  static func text(_ name: [UInt8]) -> String {
    String(decoding: name, as: UTF8.self)
  }
}

extension Storage {
  fileprivate static let empty = Storage([UInt8]())
}
