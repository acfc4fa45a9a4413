internal import Pickle
internal import Tensors

extension LoadRun {
  /// Checks a zip archive as torch's own reader sees it.
  mutating func checkArchive(_ file: MappedFile) {
    let archive: LoadedArchive
    do throws(ArchiveError) {
      archive = try LoadedArchive(file, options.reading.archiveLimits)
    } catch {
      return fail(
        error.code.rawValue,
        record: error.record,
        offset: error.offset,
        error.message
      )
    }
    for pair in archive.duplicates {
      warn("duplicate-name", record: pair, "which of the two is read is open")
    }
    checkVersion(archive)
    checkByteOrder(archive)
    if archive.contains("constants.pkl") {
      return checkScript(archive)
    }
    guard let storage = bytes(of: "data.pkl", archive),
      let source = try? ScanTarget(storage, location: "").source(),
      let graph = checkPickle(source, at: 0, record: "data.pkl")
    else { return }
    checkStorages(graph, archive)
  }

  /// The bytes of a record, with a finding where they can't be had.
  private mutating func bytes(
    of name: String,
    _ archive: LoadedArchive
  ) -> Storage? {
    do throws(ArchiveError) {
      guard let storage = try archive.storage(name) else {
        fail("missing-record", record: name, "the record is not there")
        return nil
      }
      return storage
    } catch {
      fail(
        error.code.rawValue,
        record: error.record,
        offset: error.offset,
        error.message
      )
      return nil
    }
  }

  private mutating func text(
    _ name: String,
    _ archive: LoadedArchive
  ) -> String? {
    guard let storage = bytes(of: name, archive) else { return nil }
    return try? unsafe storage.withUnsafeBytes {
      unsafe String(decoding: $0.prefix(64), as: UTF8.self)
    }
  }

  private mutating func checkVersion(_ archive: LoadedArchive) {
    let name = archive.contains("version") ? "version" : ".data/version"
    guard archive.contains(name) else {
      return fail("missing-record", record: "version", "there is no version")
    }
    guard let text = text(name, archive) else { return }
    let digits = text.drop { $0 == " " }.prefix { $0.isNumber }
    guard !(1...10).contains(Int(digits) ?? 0) else { return }
    fail("bad-version", record: name, "PyTorch reads versions 1 to 10")
  }

  private mutating func checkByteOrder(_ archive: LoadedArchive) {
    guard archive.contains("byteorder") else { return }
    guard let text = text("byteorder", archive) else { return }
    switch (ByteOrder(rawValue: text), options.target) {
    case (.little, _): break
    case (.big, .torch2): break
    case (.big, .torch1):
      warn(
        "big-endian",
        record: "byteorder",
        "torch 1.13 takes the big-endian storages for little-endian ones"
      )
    case (nil, .torch2):
      fail("bad-byteorder", record: "byteorder", "it is no byte order")
    case (nil, .torch1): break
    }
  }

  /// An archive with `constants.pkl` goes to `torch.jit.load`.
  private mutating func checkScript(_ archive: LoadedArchive) {
    if options.weightsOnly, options.target == .torch2 {
      fail(
        "weights-only-script",
        record: "constants.pkl",
        "weights_only=True does not take TorchScript archives"
      )
    }
    guard archive.hasFolder("code/") else {
      return fail(
        "no-code",
        record: "constants.pkl",
        "PyTorch takes it for TorchScript, but there is no code"
      )
    }
    if !archive.contains("data.pkl") {
      fail("missing-record", record: "data.pkl", "the record is not there")
    }
  }

  // MARK: Storages

  private mutating func checkStorages(
    _ graph: PickleGraph,
    _ archive: LoadedArchive
  ) {
    let reader = GraphReader(graph)
    let paths = PathFinder(graph)
    var seen: Set<String> = []
    for id in graph.nodes where graph.kind(id) == .persistentID {
      guard let reference = try? reader.storageReference(id),
        seen.insert(reference.key).inserted,
        let size = reference.type.byteCount(of: reference.count),
        reference.count >= 0
      else { continue }
      let name = "data/\(reference.key)"
      guard let storage = bytes(of: name, archive) else { continue }
      compare(storage, size, name, graph.offset(id), paths.path(of: id))
      if options.mmap, archive.isDeflated(name) {
        fail(
          "mmap-deflated",
          record: name,
          keyPath: paths.path(of: id),
          "with mmap=True its compressed bytes are taken for numbers"
        )
      }
    }
  }

  private mutating func compare(
    _ storage: Storage,
    _ size: Int,
    _ name: String,
    _ offset: Int,
    _ path: String?
  ) {
    guard storage.byteCount != size else { return }
    let message =
      "the record has \(storage.byteCount) bytes, the pickle says \(size)"
    if options.target == .torch2, !options.mmap {
      fail("storage-size", record: name, keyPath: path, message)
    } else {
      warn(
        "storage-size",
        record: name,
        keyPath: path,
        message + "; what is read is garbage"
      )
    }
  }
}

/// A zip archive with the names that PyTorch's reader finds in it: without
/// regard to case, also where two are the same.
private struct LoadedArchive {
  private let directory: ZipDirectory
  private let content: ZipContent
  private let names: ZipNameIndex
  private let rootLength: Int

  init(_ file: MappedFile, _ limits: ArchiveLimits) throws(ArchiveError) {
    directory = try ZipDirectory(file)
    let root = try directory.singleRoot()
    rootLength = root.count + 1
    names = ZipNameIndex(
      directory,
      prefixLength: root.count + 1,
      ignoringCase: true
    )
    content = ZipContent(directory, limits: limits)
  }

  /// The names that come twice.
  var duplicates: [String] {
    names.duplicates.map { directory.name(of: directory.records[$0.second]) }
  }

  func contains(_ name: String) -> Bool { names[name] != nil }

  func isDeflated(_ name: String) -> Bool {
    names[name].map { directory.records[$0].isDeflated } ?? false
  }

  func hasFolder(_ prefix: String) -> Bool {
    directory.records.contains { record in
      directory.name(of: record).utf8.dropFirst(rootLength)
        .starts(with: prefix.utf8)
    }
  }

  func storage(_ name: String) throws(ArchiveError) -> Storage? {
    guard let index = names[name] else { return nil }
    let storage = try content.storage(at: index, checkingSum: false)
    do {
      _ = try unsafe storage.unsafeBytes()
    } catch let error as ArchiveError {
      throw error
    } catch {
      throw ArchiveError(
        .badCompression,
        file: directory.bytes.path,
        record: name,
        "\(error)"
      )
    }
    return storage
  }
}
