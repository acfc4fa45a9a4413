internal import Pickle
internal import Tensors

/// Compares what a PyTorch archive's pickles say of storages and tensors with
/// the records that are there.
struct ArchiveContentVerifier {
  private let reader: ArchiveReader
  private let isScript: Bool
  private let options: ReadOptions

  init(_ reader: ArchiveReader, isScript: Bool, options: ReadOptions) {
    self.reader = reader
    self.isScript = isScript
    self.options = options
  }

  /// Everything that is wrong with the archive's content.
  func findings() -> [Finding] {
    var findings = smallRecords()
    var used: Set<String> = []
    var isComplete = check(
      RecordName.pickle,
      folder: RecordName.folder,
      &used,
      &findings
    )
    if isScript {
      isComplete =
        check("constants.pkl", folder: "constants/", &used, &findings)
        && isComplete
    }
    if isComplete { findings += unused(used) }
    findings += ArchiveLayoutNotes(reader).findings(storages: used)
    return findings
  }

  // MARK: The small records

  private func smallRecords() -> [Finding] {
    var findings: [Finding] = []
    let version = reader.contains("version") ? "version" : ".data/version"
    if let text = text(version) {
      if !TorchArchiveVersion.isReadable(text) {
        findings.append(
          Finding(
            .error,
            "bad-version",
            record: version,
            "the version is \(quoted(text)); PyTorch reads 1 to 10"
          )
        )
      }
    } else {
      findings.append(
        Finding(
          .error,
          "missing-record",
          record: "version",
          "the archive does not tell its version; PyTorch refuses it"
        )
      )
    }
    if let text = text("byteorder") {
      switch ByteOrder(rawValue: text) {
      case .little: break
      case .big:
        findings.append(
          Finding(
            .note,
            "big-endian",
            record: "byteorder",
            "the storages are big-endian; torch before 2.1 reads them wrong"
          )
        )
      case nil:
        findings.append(
          Finding(
            .error,
            "bad-byteorder",
            record: "byteorder",
            "the byte order is \(quoted(text)), neither little nor big"
          )
        )
      }
    }
    if isScript, !reader.recordNames.contains(where: { $0.hasPrefix("code/") })
    {
      findings.append(
        Finding(
          .warning,
          "torchscript-mark",
          record: "constants.pkl",
          "PyTorch takes an archive with this record for TorchScript"
        )
      )
    }
    return findings
  }

  private func text(_ record: String) -> String? {
    guard reader.contains(record),
      let storage = try? reader.storage(forRecord: record)
    else { return nil }
    return try? unsafe storage.withUnsafeBytes {
      unsafe String(decoding: $0.prefix(64), as: UTF8.self)
    }
  }

  private func quoted(_ text: String) -> String {
    "\"" + text.prefix { $0 != "\n" } + "\""
  }

  // MARK: Pickles

  /// Checks the storages and tensors of one pickle.
  ///
  /// - Returns: Whether the whole pickle could be read.
  private func check(
    _ record: String,
    folder: String,
    _ used: inout Set<String>,
    _ findings: inout [Finding]
  ) -> Bool {
    let graph: PickleGraph
    do {
      let bytes = try reader.storage(forRecord: record)
      graph = try decodePickle(
        bytes,
        limits: options.pickle.within(
          fileSize: reader.directory.bytes.count,
          isBuilt: true
        ),
        file: reader.path,
        record: record
      )
      if graph.endOffset < bytes.byteCount {
        findings.append(
          Finding(
            .warning,
            "data-after-pickle",
            record: record,
            offset: graph.endOffset,
            "\(bytes.byteCount - graph.endOffset) bytes follow the pickle's "
              + "end; PyTorch does not look at them"
          )
        )
      }
    } catch let error as CheckpointError {
      findings.append(Finding(error))
      return false
    } catch let error as ArchiveError {
      // The archive's own checks have told about a record that is there.
      if error.code == .missingRecord { findings.append(Finding(error)) }
      return false
    } catch {
      findings.append(
        Finding(.error, "unreadable", record: record, "\(error)")
      )
      return false
    }
    let check = PickledTensorVerifier(
      graph,
      record: record,
      folder: folder,
      reader: reader
    )
    let result = check.run()
    findings += result.findings
    used.formUnion(result.storages)
    return true
  }

  /// The records beside the storages that nothing refers to.
  private func unused(_ used: Set<String>) -> [Finding] {
    let folders = isScript ? ["constants/"] : [RecordName.folder]
    return reader.recordNames.compactMap { name in
      guard folders.contains(where: { name.hasPrefix($0) }),
        !name.hasSuffix("/"), !used.contains(name)
      else { return nil }
      return Finding(
        .warning,
        "unused-storage",
        record: name,
        "no tensor refers to this record"
      )
    }
  }
}
