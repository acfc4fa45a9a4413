internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A checkpoint on its way into a PyTorch archive.
struct TorchArchiveOutput {
  private let path: String
  private let root: String
  private let records: ArchiveRecords
  private let options: WriteOptions

  /// Decides on every record.
  ///
  /// An archive that PyTorch wrote keeps its root, its records and their order
  /// unless a layout is asked for; then nothing changes, byte for byte.
  ///
  /// - Throws: ``CheckpointError`` for what no pickle can hold.
  init(
    _ checkpoint: Checkpoint,
    path: String,
    options: WriteOptions
  ) throws {
    self.path = path
    self.options = options
    // A graph is built only where something is to be kept or converted.
    if checkpoint.ownPickle == nil, (options.pickleProtocol ?? 2) == 2 {
      let (pickle, storages) = try StreamPickling.encoded(
        checkpoint,
        path: path
      )
      let layout = options.layout ?? .torch2
      root = layout.archiveRoot(
        forFileName: options.settings["root-name"] ?? path
      )
      // As a storage, so that the bytes stay where they were written.
      let record = unsafe Storage(byteCount: pickle.count) { body in
        try unsafe pickle.withUnsafeBytes(body)
      }
      records = layout.records(pickle: record, numbered: storages)
      return
    }
    var content = try PickledContent(of: checkpoint)
    let archive = content.archive
    let keepsRecords =
      archive?.canKeepRecords == true
      && (options.layout == nil || options.layout == archive?.layout)
    // What was built of tensors is in this form already.
    if !keepsRecords, checkpoint.ownPickle != nil {
      content = try content.inZipForm()
    }
    let pickle = try content.encoded(
      protocolVersion: options.pickleProtocol,
      path: path
    )
    if keepsRecords, let archive {
      root = archive.reader.root
      records = ArchiveRecords(
        archive.items(pickle: pickle, storages: content.storages)
      )
      return
    }
    let layout = options.layout ?? archive?.layout ?? .torch2
    root = layout.archiveRoot(
      forFileName: options.settings["root-name"] ?? path
    )
    records = ArchiveRecords(
      layout.items(
        pickle: pickle,
        storages: content.storages.map { ($0.key, $0.value.storage) },
        others: archive?.otherItems ?? []
      )
    )
  }

  /// Writes the archive, all or nothing.
  func write() throws { try written().commit() }

  /// Writes the archive, but does not put it in its place yet.
  func written() throws -> AtomicFile {
    let total = TorchArchiveWriter.size(of: records, root: root)
    let file = try AtomicFile(
      path,
      overwriting: options.replacesExisting,
      expectedSize: total,
      durability: options.durability
    )
    var writer = TorchArchiveWriter(
      root: root,
      to: file,
      expectedRecords: records.count
    )
    try records.forEach { name, content in
      do {
        try writer.add(name, content)
      } catch let error as FileError {
        throw error
      } catch {
        throw CheckpointError(
          .damaged,
          "\(error)",
          file: path,
          record: name.text
        )
      }
      options.progress?(file.position, total)
    }
    try writer.finish()
    return file
  }
}

extension SourceArchive {
  /// Whether the archive's records can be written again as they are.
  ///
  /// Storages are in this machine's order once they are read, so a big-endian
  /// archive gets new records; so does one that torch would not load.
  var canKeepRecords: Bool {
    !isEdited && byteOrder == .host && byteOrder == .little
      && reader.contains("version")
  }

  /// The records that are no part of PyTorch's layout, such as those that
  /// `PyTorchFileWriter.write_record` added.
  var otherItems: [ArchiveItem] {
    records.filter { Self.isOther($0.name) }.map {
      ArchiveItem($0.name, .copy(of: $0.index, in: reader))
    }
  }

  /// The records with their positions in the directory, which may have an
  /// entry for the root itself.
  private var records: [(index: Int, name: String)] {
    reader.directory.records.indices.map { ($0, reader.name(at: $0)) }
      .filter { !$0.1.isEmpty }
  }

  /// The names of the records that are no part of PyTorch's layout.
  var otherNames: [String] { reader.recordNames.filter { Self.isOther($0) } }

  private static func isOther(_ name: String) -> Bool {
    ![RecordName.pickle, "version", "byteorder"].contains(name)
      && ![".format_version", ".storage_alignment"].contains(name)
      && !name.hasPrefix(RecordName.folder) && !name.hasPrefix(".data/")
      && !name.hasSuffix("/")
  }

  /// The archive's records, with a new pickle and the storages that are left.
  func items(
    pickle: [UInt8],
    storages: OrderedDictionary<String, StorageEntry>
  ) -> [ArchiveItem] {
    var items: [ArchiveItem] = []
    var written: Set<String> = []
    for (index, name) in records {
      let content: ArchiveItem.Content
      if name == RecordName.pickle {
        content = .bytes(pickle)
      } else if name == ArchiveItem.serializationIDName {
        content = .serializationID
      } else if name.hasSuffix("/") {
        continue
      } else if name.hasPrefix(RecordName.folder),
        let entry = storages[String(name.dropFirst(RecordName.folder.count))]
      {
        content = .storage(entry.storage)
      } else {
        content = .copy(of: index, in: reader)
      }
      items.append(ArchiveItem(name, content))
      written.insert(name)
    }
    return items
  }
}

extension Checkpoint {
  /// The pickle that is written back; nil where one is built of the tensors.
  ///
  /// Only torch.jit reads a compiled module's pickle.
  var ownPickle: PickledContent? { format == .torchScript ? nil : pickled }
}

extension PickledContent {
  /// The pickle and storages of any checkpoint.
  ///
  /// - Throws: ``CheckpointError`` for tensors that no pickle can hold.
  init(of checkpoint: Checkpoint) throws {
    if let pickled = checkpoint.ownPickle {
      self = pickled
      return
    }
    var builder = GraphBuilder()
    builder.setRoot(builder.object(of: checkpoint))
    self = builder.content()
  }

  /// The bytes of `data.pkl`.
  ///
  /// - Throws: ``CheckpointError`` for a protocol that can't hold the object.
  func encoded(protocolVersion: Int?, path: String) throws -> [UInt8] {
    do {
      return try Pickler.encode(
        graph,
        protocol: protocolVersion ?? max(2, graph.protocolVersion)
      )
    } catch {
      throw CheckpointError(.unsupported, error.message, file: path)
    }
  }
}
