internal import OrderedCollections
internal import Tensors

extension ScanRun {
  /// Scans the files that an index of shards names.
  mutating func scanShards(
    _ file: MappedFile,
    beside path: String
  ) throws {
    let index: ShardIndex
    do throws(CheckpointError) {
      index = try ShardIndex(file)
    } catch {
      report.findings.append(Finding(error))
      return
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    var seen: Set<String> = []
    for name in index.places.values where seen.insert(name).inserted {
      do {
        let shard = try CheckpointInput(folder + name)
        guard let file = shard.file,
          !ShardIndex.recognizes(shard, suffix: "index.json"),
          try scanFile(file, shard, location: name)
        else {
          report.findings.append(
            Finding(
              .error,
              "not-scanned",
              record: name,
              "the shard is of no known format"
            )
          )
          continue
        }
      } catch let error as FileError {
        report.findings.append(
          Finding(.error, "missing-shard", record: name, "\(error)")
        )
      }
    }
  }
}
