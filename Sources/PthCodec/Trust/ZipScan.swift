internal import Tensors

/// The scan of one zip archive: its records, and what lies around them.
struct ZipScan {
  private let target: ScanTarget
  private let depth: Int
  private let bytes: ArchiveBytes

  /// A larger storage is not inflated to see whether it might be a pickle.
  private static let inflatedData = 16 << 20

  init(_ target: ScanTarget, depth: Int) throws {
    self.target = target
    self.depth = depth
    bytes = try target.archiveBytes(path: target.location)
  }

  /// Whether the bytes end as a zip archive does.
  static func hasDirectory(_ target: ScanTarget) throws -> Bool {
    let bytes = try target.archiveBytes(path: target.location)
    guard let directory = try? ZipDirectory(bytes) else { return false }
    return !directory.records.isEmpty
  }

  /// Scans the archive.
  ///
  /// - Returns: What lies before or behind it, where that is an archive too.
  func run(_ scan: inout ScanRun) throws -> [ScanTarget] {
    let directory: ZipDirectory
    do throws(ArchiveError) {
      directory = try ZipDirectory(bytes)
    } catch {
      scan.report.isUnreadable = true
      scan.report.findings.append(located(Finding(error)))
      try scanFirstRecord(&scan)
      return []
    }
    let limits = scan.options.reading.archiveLimits
    scan.report.findings += ZipVerifier.findings(
      bytes,
      isCheckpoint: isCheckpoint(directory),
      limits: limits,
      progress: scan.options.progress
    ).filter {
      !isRun
        || !["prepended-bytes", "bytes-behind-directory"].contains($0.code)
    }.map(located)
    let others = try scanAround(directory, &scan)
    let content = ZipContent(directory, limits: limits)
    for index in directory.records.indices {
      try scanRecord(index, directory, content, &scan)
    }
    return others
  }

  /// Whether archives one after the other are what the file's name promises:
  /// `torch.distributed.checkpoint` writes them so.
  private var isRun: Bool {
    (target.location.isEmpty ? target.file?.path ?? "" : target.location)
      .hasSuffix(".distcp")
  }

  private func scanRecord(
    _ index: Int,
    _ directory: ZipDirectory,
    _ content: ZipContent,
    _ scan: inout ScanRun
  ) throws {
    let record = directory.records[index]
    let name = directory.name(of: record)
    if isStorage(name), record.isDeflated,
      record.uncompressedSize > Self.inflatedData
    {
      scan.report.findings.append(
        located(
          Finding(
            .note,
            "not-scanned",
            record: name,
            "the compressed storage was not looked into"
          )
        )
      )
      return
    }
    // What is no array may be a pickle whatever its name is.
    let isPickle = !isStorage(name) && !name.hasSuffix(".npy")
    let most = content.limits.most(
      from: record.compressedSize,
      isPickle: isPickle
    )
    guard !record.isDeflated || record.uncompressedSize <= most else {
      scan.report.isUnreadable = true
      scan.report.findings.append(
        located(
          Finding(
            .error,
            "inflates-too-large",
            record: name,
            "it would become \(record.uncompressedSize) bytes, of which any "
              + "may be a pickle"
          )
        )
      )
      return
    }
    if record.isDeflated || depth > 0 {
      // Of an array only the header is looked at: many zeros are no attack.
      let size = record.uncompressedSize
      let count = isPickle ? size : depth > 0 ? min(size, 1 << 20) : 0
      guard
        scan.spend(
          count,
          packed: depth > 0 ? 0 : record.compressedSize,
          location(name),
          depth: depth
        )
      else { return }
    }
    let storage: Storage
    do {
      storage = try content.storage(at: index, checkingSum: false)
      _ = try unsafe storage.unsafeBytes()
    } catch {
      // The archive's own checks have told why; what is in it is not known.
      scan.report.isUnreadable = true
      return
    }
    let part = ScanTarget(storage, location: location(name))
    guard part.count > 0 else {
      if name.hasSuffix(".pkl") {
        try scan.scanPickles(part, isCertain: true)
      }
      return
    }
    if name.hasSuffix(".pkl") || name.hasSuffix(".pickle") {
      try scan.scanPickles(part, isCertain: true)
    } else if try !scan.scanContainer(part, depth: depth + 1) {
      try scan.scanPickles(
        part,
        isCertain: false,
        isData: isStorage(name)
      )
    }
  }

  /// Scans what lies before and behind the archive; that anything does has
  /// been told already.
  private func scanAround(
    _ directory: ZipDirectory,
    _ scan: inout ScanRun
  ) throws -> [ScanTarget] {
    // A record may claim to begin anywhere, even behind the directory.
    let first = directory.records.map(\.headerOffset)
      .reduce(directory.end.directoryRange.lowerBound, min)
    var others: [ScanTarget] = []
    if first > 0 {
      let part = target.part(
        0..<first,
        location: isRun ? target.location : location("(before)")
      )
      if try Self.hasDirectory(part) {
        others.append(part)
      } else if try !scan.scanContainer(part, depth: depth + 1) {
        try scan.scanPickles(part, isCertain: false)
      }
    }
    for gap in directory.end.gaps {
      if isRun {
        // Of archives of one size the last end record fits the first one too.
        let rest = gap.lowerBound..<directory.end.archiveEnd
        others.append(target.part(rest, location: target.location))
        break
      }
      // To other readers this is the end of another archive.
      scan.report.isUnreadable = true
      let part = target.part(gap, location: location("(behind the directory)"))
      if try !scan.scanContainer(part, depth: depth + 1) {
        try scan.scanPickles(part, isCertain: false)
      }
    }
    let end = directory.end.archiveEnd
    if end < target.count {
      let part = target.part(end..<target.count, location: location("(after)"))
      if try !scan.scanContainer(part, depth: depth + 1) {
        try scan.scanPickles(part, isCertain: false)
      }
    }
    return others
  }

  /// Of an archive without a directory, the first record is PyTorch's pickle.
  private func scanFirstRecord(_ scan: inout ScanRun) throws {
    let header = bytes.withView { ZipLocalHeader(in: $0, at: 0) }
    guard let header, header.method == 0 else { return }
    let name = bytes.withView { view in
      unsafe view.slice(header.nameRange).map {
        unsafe String(decoding: $0, as: UTF8.self)
      }
    }
    let part = ScanTarget(
      target.storage,
      range: target.dropFirst(header.dataOffset).range,
      location: location(name ?? "")
    )
    try scan.scanPickles(part, isCertain: false)
  }

  private func isCheckpoint(_ directory: ZipDirectory) -> Bool {
    directory.records.contains {
      let name = directory.name(of: $0)
      return name == RecordName.pickle
        || name.hasSuffix("/" + RecordName.pickle)
    }
  }

  /// Whether PyTorch takes a record of this name for numbers.
  private func isStorage(_ name: String) -> Bool {
    guard let slash = name.firstIndex(of: "/") else { return false }
    let inside = name[name.index(after: slash)...]
    return inside.hasPrefix(RecordName.folder) || inside.hasPrefix("constants/")
  }

  private func location(_ name: String) -> String {
    target.location.isEmpty ? name : target.location + "!" + name
  }

  private func located(_ finding: Finding) -> Finding {
    guard !target.location.isEmpty else { return finding }
    var copy = finding
    copy.record = location(finding.record ?? "")
    return copy
  }
}
