internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A run of pickles and raw storages, as torch wrote it before 1.6.
///
/// Five pickles: a magic number, the protocol, facts about the machine, the
/// object, the list of storage keys. For each key follow an int64 count of
/// elements and the elements, always little-endian.
///
/// Source: `_legacy_save` and `_legacy_load` in `torch/serialization.py`, and
/// `torch/csrc/serialization.cpp` of torch 0.2 to 2.13.
package struct LegacyFile {
  /// The object.
  let graph: PickleGraph

  /// The bytes before and behind the object, for writing it again.
  let source: LegacySource

  private let file: MappedFile
  private let places: [String: Range<Int>]

  /// The number 0x1950a86a20f9469cfc6c, which opens each file, little-endian.
  static let magic: [UInt8] = [
    0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
  ]

  /// The only version that there ever was.
  static let protocolVersion = 1001

  /// How many pickles stand before the storages.
  package static let pickleCount = 5

  /// Whether an input begins with the pickled magic number.
  static func recognizes(_ input: CheckpointInput) -> Bool {
    input.file != nil && recognizes(input.head)
  }

  /// Whether a file's first bytes are the pickled magic number.
  package static func recognizes(_ head: [UInt8]) -> Bool {
    // PROTO, or LONG before protocol 2.
    guard [0x80, 0x4c].contains(head.first),
      let first = try? Unpickler.decode(PickleSource(head))
    else { return false }
    return first.bigIntBytes(first.root) == magic
  }

  init(_ input: CheckpointInput, options: ReadOptions) throws {
    file = try input.mappedFile()
    let bytes = try Storage(mapping: file, range: 0..<file.count)
    var cursor = PickleRun(bytes, file: file.path, options: options)
    var facts = try LegacyFacts(&cursor)
    let objectStart = cursor.position
    graph = try cursor.next("the object")
    let objectEnd = cursor.position
    let keys = try LegacyKeys(cursor.next("the list of storage keys"))
    let dataStart = cursor.position
    facts.elementSizes = try Self.elementSizes(graph, file: file.path)
    places = try Self.places(keys, facts, at: dataStart, in: file)
    source = LegacySource(
      preamble: try bytes.bytes(0..<objectStart),
      keyList: try bytes.bytes(objectEnd..<dataStart),
      keys: keys.texts
    )
  }

  /// Names what the object holds.
  func checkpoint() throws -> Checkpoint {
    let places = places
    let file = file
    let storages = StorageTable { reference, byteCount in
      guard let range = places[reference.key] else {
        // Nothing has to be there for a storage without elements.
        guard byteCount > 0 else { return Storage([UInt8]()) }
        throw CheckpointError(
          .damaged,
          "storage \(reference.key) is not on the file's list of storages",
          file: file.path
        )
      }
      guard range.count == byteCount else {
        throw CheckpointError(
          .damaged,
          "storage \(reference.key) should have \(byteCount) bytes, but the "
            + "file says \(range.count)",
          file: file.path,
          offset: range.lowerBound
        )
      }
      return try Storage(mapping: file, range: range)
    }
    var checkpoint = try Checkpoint(
      walking: graph,
      storages: storages,
      as: .pytorchLegacy
    )
    checkpoint.pickled?.legacy = source
    return checkpoint
  }

  /// The bytes of one element of each storage, by its first mention.
  private static func elementSizes(
    _ graph: PickleGraph,
    file: String
  ) throws(CheckpointError) -> [String: Int] {
    let reader = GraphReader(graph)
    var sizes: [String: Int] = [:]
    for id in graph.nodes where reader.isStorage(id) {
      do throws(CheckpointError) {
        let reference = try reader.storageReference(id)
        guard sizes[reference.key] == nil else { continue }
        sizes[reference.key] = reference.type.countedDType.itemSize
      } catch {
        throw error.located(file: file)
      }
    }
    return sizes
  }

  /// Where each storage's elements are.
  private static func places(
    _ keys: LegacyKeys,
    _ facts: LegacyFacts,
    at start: Int,
    in file: MappedFile
  ) throws(CheckpointError) -> [String: Range<Int>] {
    var places: [String: Range<Int>] = [:]
    places.reserveCapacity(keys.texts.count)
    var position = start
    for key in keys.texts {
      guard let elementSize = facts.elementSizes[key] else {
        throw CheckpointError(
          .damaged,
          "storage \(key) is in the file, but the object does not mention it",
          file: file.path,
          offset: position
        )
      }
      let count = try facts.count(of: key, at: &position, in: file, elementSize)
      let end = position + count
      guard places.updateValue(position..<end, forKey: key) == nil else {
        throw CheckpointError(
          .damaged,
          "storage \(key) is twice on the file's list of storages",
          file: file.path,
          offset: start
        )
      }
      position = end
    }
    return places
  }
}

/// The parts of a legacy file that its object does not tell.
struct LegacySource: Sendable {
  /// The magic number, the protocol and the facts about the machine.
  let preamble: [UInt8]
  /// The pickled list of keys.
  let keyList: [UInt8]
  /// The keys in the order of the storages.
  let keys: [String]
}

/// The list of keys.
private struct LegacyKeys {
  let texts: [String]

  init(_ graph: PickleGraph) throws(CheckpointError) {
    guard [.list, .tuple].contains(graph.kind(graph.root)) else {
      throw GraphReader(graph).fault(
        graph.root,
        "the storage keys should be a list"
      )
    }
    var texts: [String] = []
    for child in graph.children(graph.root) {
      guard let text = graph.string(child) ?? graph.int(child).map(String.init)
      else {
        throw GraphReader(graph).fault(child, "a storage's key should be text")
      }
      texts.append(text)
    }
    self.texts = texts
  }
}

/// What stands before the object.
private struct LegacyFacts {
  /// Whether the writing machine had the other byte order.
  ///
  /// The elements are little-endian all the same; early versions wrote the
  /// counts in the machine's own order.
  let isBigEndian: Bool

  var elementSizes: [String: Int] = [:]

  init(_ cursor: inout PickleRun) throws {
    let magic = try cursor.next("the magic number")
    guard magic.bigIntBytes(magic.root) == LegacyFile.magic else {
      throw CheckpointError(
        .damaged,
        "the magic number of torch before 1.6 is wrong",
        file: cursor.file,
        offset: 0
      )
    }
    let versionStart = cursor.position
    let version = try cursor.next("the protocol version")
    guard version.int(version.root) == LegacyFile.protocolVersion else {
      throw CheckpointError(
        .unsupported,
        "the protocol version should be \(LegacyFile.protocolVersion)",
        file: cursor.file,
        offset: versionStart
      )
    }
    let system = try cursor.next("the facts about the machine")
    let order = GraphReader(system).value(of: "little_endian", in: system.root)
    isBigEndian = order.flatMap { system.bool($0) } == false
  }

  /// Reads a storage's count of elements.
  ///
  /// - Returns: The bytes of the elements, which are all in the file.
  func count(
    of key: String,
    at position: inout Int,
    in file: MappedFile,
    _ elementSize: Int
  ) throws(CheckpointError) -> Int {
    guard file.count - position >= 8 else {
      throw CheckpointError(
        .damaged,
        "the file ends where storage \(key) should begin",
        file: file.path,
        offset: position,
        hint: "the file was cut; get it again"
      )
    }
    let start = position
    let stored = unsafe file.withUnsafeBytes {
      unsafe $0.loadUnaligned(fromByteOffset: start, as: Int64.self)
    }
    position += 8
    let left = file.count - position
    func size(_ number: Int64) -> Int? {
      guard let count = Int(exactly: number), count >= 0 else { return nil }
      let (bytes, overflow) = count.multipliedReportingOverflow(by: elementSize)
      return overflow || bytes > left ? nil : bytes
    }
    if let bytes = size(Int64(littleEndian: stored)) { return bytes }
    if isBigEndian, let bytes = size(Int64(bigEndian: stored)) { return bytes }
    throw CheckpointError(
      .damaged,
      "storage \(key) claims \(Int64(littleEndian: stored)) elements of "
        + "\(elementSize) bytes, but \(left) bytes are left",
      file: file.path,
      offset: start,
      hint: "the file was cut or changed; get it again"
    )
  }
}
