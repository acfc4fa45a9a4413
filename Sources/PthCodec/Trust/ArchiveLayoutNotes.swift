/// Notes on where an archive's storages lie: what a reader that maps the file
/// or computes positions makes of it.
struct ArchiveLayoutNotes {
  private let reader: ArchiveReader

  init(_ reader: ArchiveReader) {
    self.reader = reader
  }

  /// The notes.
  ///
  /// - Parameter storages: The names of the records that are storages.
  /// - Returns: At most one finding of each kind, deflated storages excepted.
  func findings(storages: Set<String>) -> [Finding] {
    var findings: [Finding] = []
    var unaligned: [String] = []
    for index in reader.directory.records.indices {
      let record = reader.directory.records[index]
      let name = reader.name(at: index)
      guard storages.contains(name) else { continue }
      if record.isDeflated {
        findings.append(
          Finding(
            .warning,
            "deflated-storage",
            record: name,
            offset: record.headerOffset,
            "the storage is compressed; torch.load with mmap=True takes its "
              + "compressed bytes for numbers"
          )
        )
      } else if record.uncompressedSize > 0,
        let header = try? reader.directory.localHeader(of: record),
        header.dataOffset % 64 != 0
      {
        unaligned.append(name)
      }
    }
    if let first = unaligned.first {
      findings.append(
        Finding(
          .note,
          "unaligned-data",
          record: first,
          unaligned.count == 1
            ? "its bytes do not start at a multiple of 64"
            : "its bytes do not start at a multiple of 64, nor do those of "
              + "\(unaligned.count - 1) other storages"
        )
      )
    }
    if reader.contains(".format_version"), let name = firstMisplaced() {
      findings.append(
        Finding(
          .note,
          "format-version-inexact",
          record: name,
          "the archive has a .format_version, but this record is not where "
            + "PyTorch computes it: loading with map_location='meta' gives "
            + "wrong offsets"
        )
      )
    }
    return findings
  }

  /// The first record that lies elsewhere than `torch.save` would put it.
  private func firstMisplaced() -> String? {
    var offset = 0
    for index in reader.directory.records.indices {
      let record = reader.directory.records[index]
      let layout = RecordLayout(
        offset: offset,
        nameLength: record.nameRange.count,
        size: record.compressedSize,
        uncompressedSize: record.uncompressedSize
      )
      guard record.headerOffset == offset, record.isStored,
        let header = try? reader.directory.localHeader(of: record),
        header.dataOffset
          == offset + Zip.localHeaderSize + record.nameRange.count
          + layout.localExtraSize
      else { return reader.name(at: index) }
      offset = layout.end
    }
    return nil
  }
}
