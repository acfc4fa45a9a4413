internal import OrderedCollections
internal import Pickle
internal import Tensors

/// What could be saved of a damaged checkpoint.
public struct SalvageReport: Sendable {
  /// A tensor that could not be saved.
  public struct Loss: Sendable, Hashable {
    /// The tensor's name.
    public let name: String
    /// Why it is lost.
    public let reason: String
  }

  /// A sound checkpoint of everything that is whole.
  public let checkpoint: Checkpoint

  /// The names of the tensors that are whole.
  public var survivors: [String] { Array(checkpoint.tensors.keys) }

  /// The tensors that are not, in the object's order.
  public let losses: [Loss]

  /// What else is worth knowing.
  public let notes: [Finding]
}

/// Saves from a truncated or damaged archive what is still whole.
public enum Salvage {
  /// Reads a damaged PyTorch archive.
  ///
  /// The central directory is not needed: records are found by their local
  /// headers and the descriptors behind them. A tensor survives where its
  /// storage is there in full and has the CRC-32 that was written with it.
  ///
  /// - Parameters:
  ///   - path: The damaged archive.
  ///   - options: How much memory and how many steps it may ask for.
  ///   - progress: Told how far the walk through the file has come.
  /// - Returns: What could be saved.
  /// - Throws: `FileError` for what can't be opened, ``CheckpointError`` where
  ///   nothing can be saved.
  public static func read(
    _ path: String,
    options: ReadOptions = ReadOptions(),
    progress: ProgressHandler? = nil
  ) throws -> SalvageReport {
    let file = try CheckpointInput(path).mappedFile()
    let salvager = ArchiveSalvager(
      ArchiveBytes(file),
      limits: options.archiveLimits,
      progress: progress
    )
    var notes: [Finding] = []
    let graph = try pickle(salvager, file, path, options, &notes)
    let records = RecoveredStorages(salvager, byteOrder: byteOrder(salvager))
    var walk = ObjectWalk(
      decoder: TensorDecoder(
        reader: GraphReader(graph),
        storages: StorageTable { reference, byteCount in
          records.storage(reference, byteCount)
        }
      )
    )
    walk.mostValues = options.pickle.mostValues(fileSize: file.count)
    do {
      try walk.run()
    } catch let error as CheckpointError {
      throw error.located(file: path, record: RecordName.pickle)
    }
    let storages = walk.decoder.storages.list
    var whole = Checkpoint(
      PickledContent(graph: graph, storages: storages),
      walk: walk,
      as: .pytorchZip
    )
    whole.path = path
    let losses = losses(
      of: whole,
      storages.byKey(),
      records
    )
    return try remaining(of: whole, losses, notes, path)
  }

  private static func byteOrder(_ salvager: ArchiveSalvager) -> ByteOrder {
    guard let record = salvager.record("byteorder"),
      let bytes = try? salvager.storage(of: record),
      let text = try? unsafe bytes.withUnsafeBytes({
        unsafe String(decoding: $0.prefix(16), as: UTF8.self)
      })
    else { return .little }
    return ByteOrder(rawValue: text) ?? .little
  }

  /// Reads the pickle to its STOP.
  private static func pickle(
    _ salvager: ArchiveSalvager,
    _ file: MappedFile,
    _ path: String,
    _ options: ReadOptions,
    _ notes: inout [Finding]
  ) throws -> PickleGraph {
    let name = RecordName.pickle
    guard let record = salvager.record(name) else {
      throw CheckpointError(
        .damaged,
        salvager.records.isEmpty
          ? "no record of a zip archive was found"
          : "the record that names the tensors is not there",
        file: path,
        record: name,
        hint: "without it the storages have no names, sizes or types"
      )
    }
    if record.state != .intact {
      notes.append(
        Finding(
          .warning,
          "unchecked-pickle",
          record: name,
          offset: record.headerOffset,
          record.state == .wrongChecksum
            ? "the pickle has another CRC-32 than was written with it: names "
              + "and shapes may be wrong"
            : "the pickle's CRC-32 is not there to check it"
        )
      )
    }
    let bytes: Storage
    do throws(ArchiveError) {
      bytes = try salvager.storage(of: record)
    } catch {
      throw CheckpointError(
        .damaged,
        error.message,
        file: path,
        record: name,
        offset: error.offset
      )
    }
    return try decodePickle(
      bytes,
      limits: options.pickle.within(fileSize: file.count, isBuilt: true),
      file: path,
      record: name
    )
  }

  /// The named tensors whose storages are not whole.
  private static func losses(
    of checkpoint: Checkpoint,
    _ entries: OrderedDictionary<String, StorageEntry>,
    _ records: RecoveredStorages
  ) -> [SalvageReport.Loss] {
    var reasons: [ObjectIdentifier: String] = [:]
    for (key, entry) in entries {
      reasons[ObjectIdentifier(entry.storage)] = records.reason(key)
    }
    return checkpoint.tensors.compactMap { name, tensor in
      reasons[ObjectIdentifier(tensor.storage)].map {
        SalvageReport.Loss(name: name, reason: $0)
      }
    }
  }

  /// Takes the lost tensors out of the object.
  private static func remaining(
    of checkpoint: Checkpoint,
    _ first: [SalvageReport.Loss],
    _ notes: [Finding],
    _ path: String
  ) throws -> SalvageReport {
    var losses = OrderedDictionary(
      uniqueKeysWithValues: first.map { ($0.name, $0.reason) }
    )
    while losses.count < checkpoint.tensors.count {
      do {
        let rest =
          losses.isEmpty
          ? checkpoint : try checkpoint.filtered { losses[$0] == nil }
        return SalvageReport(
          checkpoint: rest,
          losses: checkpoint.tensors.keys.compactMap { name in
            losses[name].map { .init(name: name, reason: $0) }
          },
          notes: notes
        )
      } catch let error as CheckpointError {
        // A list that lacks an element is lost as a whole.
        guard error.code == .unsupported, let place = error.keyPath else {
          throw error
        }
        let list = place.lastIndex(of: ".").map { String(place[...$0]) } ?? ""
        let before = losses.count
        for name in checkpoint.tensors.keys
        where name.hasPrefix(list) && losses[name] == nil {
          losses[name] = "another part of the same object is lost: \(place)"
        }
        guard losses.count > before else { throw error }
      }
    }
    throw CheckpointError(
      .damaged,
      checkpoint.tensors.isEmpty
        ? "there is no tensor in it" : "no tensor is whole",
      file: path,
      hint: first.first.map { "\($0.name): \($0.reason)" }
    )
  }
}

/// The storages of a damaged archive.
private struct RecoveredStorages {
  private let salvager: ArchiveSalvager
  private let byteOrder: ByteOrder
  private let faults = FaultList()

  /// Filled while the pickle is walked, by one thread.
  private final class FaultList {
    var byKey: [String: String] = [:]
  }

  init(_ salvager: ArchiveSalvager, byteOrder: ByteOrder) {
    self.salvager = salvager
    self.byteOrder = byteOrder
  }

  /// Why the storage of a key is lost, nil where it is not.
  func reason(_ key: String) -> String? { faults.byKey[key] }

  /// The storage of a reference; one without bytes where it is lost.
  func storage(_ reference: StorageReference, _ byteCount: Int) -> Storage {
    do {
      let storage = try found(RecordName.folder + reference.key, byteCount)
      return storage.inHostOrder(
        from: byteOrder,
        dtype: reference.type.countedDType
      )
    } catch let error as SalvageFault {
      faults.byKey[reference.key] = error.reason
    } catch {
      faults.byKey[reference.key] = "\(error)"
    }
    return .meta(byteCount: byteCount)
  }

  private struct SalvageFault: Error {
    let reason: String
  }

  private func found(_ name: String, _ byteCount: Int) throws -> Storage {
    guard let record = salvager.record(name) else {
      throw SalvageFault(reason: "the record \(name) is not there")
    }
    switch record.state {
    case .intact: break
    case .wrongChecksum:
      throw SalvageFault(reason: "the record \(name) has another CRC-32")
    case .unknownEnd:
      throw SalvageFault(
        reason: "the CRC-32 behind the record \(name) is not there"
      )
    case .cutShort where record.range.count == byteCount:
      throw SalvageFault(
        reason: "the CRC-32 behind the record \(name) is not there"
      )
    case .cutShort:
      throw SalvageFault(
        reason: "the file ends within the record \(name), after "
          + "\(record.range.count) of \(byteCount) bytes"
      )
    }
    let storage = try salvager.storage(of: record)
    guard storage.byteCount == byteCount else {
      throw SalvageFault(
        reason: "the record \(name) has \(storage.byteCount) bytes, not "
          + "\(byteCount)"
      )
    }
    return storage
  }
}
