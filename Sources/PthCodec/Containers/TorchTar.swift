internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A tar archive as torch 0.1 wrote it.
///
/// `storages` holds the bytes, `tensors` the views of them, `pickle` the object
/// whose persistent ids are the keys of both. Reading turns these ids into the
/// calls that later versions of torch write, so that the object is one like
/// any other from then on.
///
/// Source: `legacy_load` in `torch/serialization.py` of torch 1.13 and 2.13.
struct TorchTar {
  private let directory: TarDirectory
  private let file: MappedFile
  private let options: ReadOptions

  private static let members = ["sys_info", "pickle", "tensors", "storages"]

  /// Whether an input is a tar archive that begins with one of the members.
  static func recognizes(_ input: CheckpointInput) -> Bool {
    guard let file = input.file,
      TarDirectory.begins(input.head, with: members)
    else { return false }
    guard let directory = try? TarDirectory(file) else { return true }
    return directory.members["pickle"] != nil
  }

  init(_ input: CheckpointInput, options: ReadOptions) throws {
    file = try input.mappedFile()
    directory = try TarDirectory(file)
    self.options = options
  }

  /// Reads everything and names what the object holds.
  func checkpoint() throws -> Checkpoint {
    let storages = try TarStorages(member("storages"))
    let tensors = try TarTensors(member("tensors"))
    var pickle = try member("pickle").run
    let graph = try pickle.next("the object")
    var rewriting = TarRewriting(graph, storages, tensors)
    do {
      try rewriting.run()
      let entries = storages.entries
      return try Checkpoint(
        walking: rewriting.graph,
        storages: StorageTable { reference, _ in
          guard let entry = entries[reference.key] else {
            throw CheckpointError(
              .damaged,
              "there is no storage \(reference.key)"
            )
          }
          return entry.storage
        },
        as: .pytorchTar
      )
    } catch let error as CheckpointError {
      throw error.located(file: file.path, record: "pickle")
    }
  }

  private func member(_ name: String) throws -> TarMember {
    let bytes = try directory.storage(name)
    return TarMember(
      bytes: bytes,
      file: file,
      start: directory.members[name]?.lowerBound ?? 0,
      run: PickleRun(bytes, file: file.path, record: name, options: options)
    )
  }
}

/// A member's bytes, read from front to back: pickles and numbers.
struct TarMember {
  let bytes: Storage
  let file: MappedFile
  /// Where the member begins in the file.
  let start: Int
  var run: PickleRun

  /// Reads a pickled count.
  mutating func count(_ what: String) throws -> Int {
    let start = run.position
    let graph = try run.next("the number of \(what)")
    guard let count = graph.int(graph.root), count >= 0 else {
      throw fault("the number of \(what) should be an integer", start)
    }
    return count
  }

  /// Reads a little-endian integer.
  mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
    _ what: String,
    as type: Number.Type = Int64.self
  ) throws -> Int {
    let start = run.position
    let size = MemoryLayout<Number>.size
    guard bytes.byteCount - start >= size else {
      throw fault("the member ends where \(what) should be", start)
    }
    run.position += size
    let number = try unsafe bytes.withUnsafeBytes {
      unsafe $0.loadUnaligned(fromByteOffset: start, as: type)
    }
    guard let value = Int(exactly: Number(littleEndian: number)) else {
      throw fault("\(what) is too large", start)
    }
    return value
  }

  /// Takes the next bytes as they lie in the file; nil where there are fewer.
  mutating func take(_ count: Int) throws -> Storage? {
    guard count >= 0, count <= bytes.byteCount - run.position else {
      return nil
    }
    let first = start + run.position
    run.position += count
    return try Storage(mapping: file, range: first..<first + count)
  }

  func fault(_ message: String, _ offset: Int) -> CheckpointError {
    CheckpointError(
      .damaged,
      message,
      file: run.file,
      record: run.record,
      offset: offset
    )
  }
}

extension GraphReader {
  /// The elements of a pickled tuple or list of at least `count` elements.
  func elements(
    _ id: PickleGraph.NodeID,
    _ count: Int,
    _ what: String
  ) throws(CheckpointError) -> [PickleGraph.NodeID] {
    guard [.tuple, .list].contains(graph.kind(id)),
      graph.children(id).count >= count
    else { throw fault(id, "\(what) should be \(count) values") }
    return Array(graph.children(id))
  }

  /// A key of the tar archive: a number, perhaps as text.
  func tarKey(_ id: PickleGraph.NodeID) throws(CheckpointError) -> String {
    if let number = graph.int(id) { return String(number) }
    return try text(id, "a key")
  }
}
