internal import Pickle
internal import Tensors

/// Checks every storage and tensor of one pickle, without reading their bytes.
struct PickledTensorVerifier {
  /// What came out.
  struct Result {
    var findings: [Finding] = []
    /// The records that storages refer to.
    var storages: Set<String> = []
  }

  private let graph: PickleGraph
  private let record: String
  private let folder: String
  private let archive: ArchiveReader
  private let reader: GraphReader
  private let paths: PathFinder

  init(
    _ graph: PickleGraph,
    record: String,
    folder: String,
    reader archive: ArchiveReader
  ) {
    self.graph = graph
    self.record = record
    self.folder = folder
    self.archive = archive
    reader = GraphReader(graph, readsAll: true)
    paths = PathFinder(graph)
  }

  func run() -> Result {
    var result = Result()
    var types: [String: StorageReference] = [:]
    let ids = graph.nodes.filter { graph.kind($0) == .persistentID }
    for id in ids { check(storage: id, &types, &result) }
    checkTensors(&result)
    return result
  }

  // MARK: Storages

  private func check(
    storage id: PickleGraph.NodeID,
    _ seen: inout [String: StorageReference],
    _ result: inout Result
  ) {
    let reference: StorageReference
    do {
      reference = try reader.storageReference(id)
    } catch {
      var finding = Finding(error.located(record: record))
      finding.keyPath = finding.keyPath ?? paths.path(of: id)
      result.findings.append(finding)
      return
    }
    if let first = seen[reference.key] {
      guard first.type == reference.type, first.count == reference.count
      else {
        result.findings.append(
          Finding(
            .warning,
            "storage-conflict",
            record: folder + reference.key,
            offset: graph.offset(id),
            keyPath: paths.path(of: id),
            "the storage is \(first.count) of \(first.type.countedDType) in "
              + "one place and \(reference.count) of "
              + "\(reference.type.countedDType) in another; PyTorch takes the "
              + "first"
          )
        )
        return
      }
      return
    }
    seen[reference.key] = reference
    guard reference.location != "meta" else { return }
    let name = folder + reference.key
    result.storages.insert(name)
    if var finding = compare(reference, name) {
      finding.keyPath = paths.path(of: id)
      result.findings.append(finding)
    }
  }

  /// Compares a storage's record with what the pickle says of it.
  private func compare(
    _ reference: StorageReference,
    _ name: String
  ) -> Finding? {
    guard let entry = archive.record(name) else {
      return Finding(
        .error,
        "missing-record",
        record: name,
        "the record of the storage \(reference.key) is not there"
      )
    }
    guard reference.count >= 0,
      let size = reference.type.byteCount(of: reference.count)
    else {
      return Finding(
        .error,
        "storage-size",
        record: name,
        "the pickle claims \(reference.count) elements"
      )
    }
    guard entry.uncompressedSize != size else { return nil }
    return Finding(
      .error,
      "storage-size",
      record: name,
      offset: entry.headerOffset,
      "the storage should have \(size) bytes (\(reference.count) of "
        + "\(reference.type.countedDType)), the record has "
        + "\(entry.uncompressedSize)"
    )
  }

  // MARK: Tensors

  /// Rebuilds every tensor on storages without bytes: that checks sizes,
  /// strides and offsets.
  private func checkTensors(_ result: inout Result) {
    let table = StorageTable { _, byteCount in .meta(byteCount: byteCount) }
    var decoder = TensorDecoder(reader: reader, storages: table)
    // A tensor inside a parameter is met twice, with the same fault.
    var told = Set(result.findings.map { Fault($0.offset, $0.message) })
    var keys = KeyChecks(reader)
    for id in graph.nodes {
      let kind = graph.kind(id)
      guard kind == .object || kind == .dict else { continue }
      do {
        try reader.checkStates(of: id)
        if try decoder.tensor(id) == nil { try keys.check(id) }
      } catch let error as CheckpointError {
        guard told.insert(Fault(error.offset, error.message)).inserted else {
          continue
        }
        var finding = Finding(error.located(record: record))
        if error.code == .damaged { finding.code = "bad-tensor" }
        finding.keyPath = paths.path(of: id)
        result.findings.append(finding)
      } catch {
        result.findings.append(
          Finding(.error, "bad-tensor", record: record, "\(error)")
        )
      }
    }
  }

  private struct Fault: Hashable {
    let offset: Int?
    let message: String

    init(_ offset: Int?, _ message: String) {
      self.offset = offset
      self.message = message
    }
  }
}
