internal import Pickle
internal import Tensors

extension LoadRun {
  /// Checks a zip archive as torch's own reader sees it.
  mutating func checkArchive(_ file: MappedFile) {
    let archive: LenientZip
    do throws(LenientZip.Fault) {
      archive = try LenientZip(file, limits: options.reading.archiveLimits)
    } catch {
      return fail(error)
    }
    for name in archive.duplicates {
      add(
        .warning,
        "duplicate-name",
        record: name,
        "which of the two is read is open"
      )
    }
    checkVersion(archive)
    do throws(LenientZip.Fault) {
      try archive.checkNames()
    } catch {
      return fail(error)
    }
    checkSmallRecords(archive)
    checkByteOrder(archive)
    if archive.lists("constants.pkl") {
      return checkScript(archive)
    }
    guard let storage = bytes(of: RecordName.pickle, archive),
      let source = try? ScanTarget(storage, location: "").source(),
      let graph = checkPickle(source, at: 0, record: RecordName.pickle)
    else { return }
    checkStorages(graph, archive)
  }

  private mutating func fail(_ fault: LenientZip.Fault) {
    add(.error, fault.code, record: fault.record, fault.message)
  }

  /// The bytes of a record, with a finding where they can't be had.
  private mutating func bytes(
    of name: String,
    _ archive: LenientZip
  ) -> Storage? {
    do throws(LenientZip.Fault) {
      guard let content = try archive.content(name) else {
        add(.error, "missing-record", record: name, "the record is not there")
        return nil
      }
      if content.isGarbage {
        add(
          .warning,
          "bad-compression",
          record: name,
          "the record does not inflate, which PyTorch does not notice: what "
            + "it reads is garbage"
        )
      }
      return content.storage
    } catch {
      fail(error)
      return nil
    }
  }

  private mutating func text(
    _ name: String,
    _ archive: LenientZip
  ) -> String? {
    guard let storage = bytes(of: name, archive) else { return nil }
    return try? unsafe storage.withUnsafeBytes {
      unsafe String(decoding: $0.prefix(64), as: UTF8.self)
    }
  }

  /// torch 2 reads what tells of the layout.
  private mutating func checkSmallRecords(_ archive: LenientZip) {
    guard options.target == .torch2 else { return }
    for name in [".data/serialization_id", ".format_version"]
    where archive.contains(name) {
      guard let storage = bytes(of: name, archive),
        name.hasPrefix(".data/")
      else { continue }
      // torch makes text of it.
      let isText = try? unsafe storage.withUnsafeBytes {
        unsafe String(validating: $0, as: UTF8.self) != nil
      }
      guard isText != true else { continue }
      add(.error, "bad-serialization-id", record: name, "it is not UTF-8")
    }
    let alignment = ".storage_alignment"
    guard archive.contains(alignment), let text = text(alignment, archive)
    else { return }
    // Python's int() takes blanks around the digits.
    let digits = text.drop { $0.isWhitespace }
      .reversed().drop { $0.isWhitespace }
    if digits.isEmpty || !digits.allSatisfy({ ("0"..."9").contains($0) }) {
      add(.error, "bad-alignment", record: alignment, "it is no number")
    }
  }

  private mutating func checkVersion(_ archive: LenientZip) {
    let name = archive.contains(".data/version") ? ".data/version" : "version"
    guard archive.contains(name) else {
      return add(
        .error,
        "missing-record",
        record: "version",
        "there is no version"
      )
    }
    guard let text = text(name, archive),
      !TorchArchiveVersion.isReadable(text)
    else { return }
    add(.error, "bad-version", record: name, "PyTorch reads versions 1 to 10")
  }

  private mutating func checkByteOrder(_ archive: LenientZip) {
    guard archive.contains("byteorder") else { return }
    // torch 1.13 does not look at it.
    if options.target == .torch1, (try? archive.content("byteorder")) == nil {
      return
    }
    guard let text = text("byteorder", archive) else { return }
    switch (ByteOrder(rawValue: text), options.target) {
    case (.little, _): break
    case (.big, .torch2): break
    case (.big, .torch1):
      add(
        .warning,
        "big-endian",
        record: "byteorder",
        "torch 1.13 takes the big-endian storages for little-endian ones"
      )
    case (nil, .torch2):
      add(.error, "bad-byteorder", record: "byteorder", "it is no byte order")
    case (nil, .torch1): break
    }
  }

  /// An archive with `constants.pkl` goes to `torch.jit.load`.
  private mutating func checkScript(_ archive: LenientZip) {
    if options.weightsOnly, options.target == .torch2 {
      add(
        .error,
        "weights-only-script",
        record: "constants.pkl",
        "weights_only=True does not take TorchScript archives"
      )
    }
    guard archive.hasFolder("code/") else {
      return add(
        .error,
        "no-code",
        record: "constants.pkl",
        "PyTorch takes it for TorchScript, but there is no code"
      )
    }
    if !archive.contains(RecordName.pickle) {
      add(
        .error,
        "missing-record",
        record: RecordName.pickle,
        "the record is not there"
      )
    }
  }

  // MARK: Storages

  private mutating func checkStorages(
    _ graph: PickleGraph,
    _ archive: LenientZip
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
      let name = RecordName.folder + reference.key
      guard let storage = bytes(of: name, archive) else { continue }
      compare(storage, size, name, graph.offset(id), paths.path(of: id))
      if options.mmap, archive.entry(name)?.isDeflated == true {
        add(
          .error,
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
    // torch 1.13 can't make a storage of no bytes.
    if options.target == .torch2 ? !options.mmap : storage.byteCount == 0 {
      add(.error, "storage-size", record: name, keyPath: path, message)
    } else {
      add(
        .warning,
        "storage-size",
        record: name,
        keyPath: path,
        message + "; what is read is garbage"
      )
    }
  }
}
