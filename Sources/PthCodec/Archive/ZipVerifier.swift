// Everything about a zip archive that can be checked without knowing what its
// records mean. PyTorch checks next to nothing of it.

/// Checks an archive completely and gives all that it finds.
///
/// Files as PyTorch writes them give no finding at all.
package struct ZipVerifier {
  let directory: ZipDirectory
  let isCheckpoint: Bool
  private(set) var findings: [Finding] = []

  private static let mostOverlaps = 100

  /// Everything that is wrong with an archive.
  ///
  /// - Parameters:
  ///   - bytes: The archive.
  ///   - isCheckpoint: Whether PyTorch's rules hold: one root folder, names
  ///     that differ not in case alone, no bytes before the first record.
  ///   - limits: How much records may inflate to.
  ///   - progress: Told how many of how many bytes are checked.
  /// - Returns: The findings, each kind in the directory's order.
  package static func findings(
    _ bytes: ArchiveBytes,
    isCheckpoint: Bool,
    limits: ArchiveLimits,
    progress: ProgressHandler? = nil
  ) -> [Finding] {
    let directory: ZipDirectory
    do throws(ArchiveError) {
      directory = try ZipDirectory(bytes)
    } catch {
      return [Finding(error)]
    }
    var verifier = ZipVerifier(directory, isCheckpoint: isCheckpoint)
    verifier.checkEnds()
    verifier.checkNames()
    verifier.checkRoot()
    let readable = verifier.checkRecords()
    verifier.checkPlaces()
    let content = ZipContent(directory, limits: limits)
    for fault in ZipSums(content, readable).faults(progress: progress) {
      verifier.add(fault)
    }
    verifier.askLibzip()
    return verifier.findings
  }

  private init(_ directory: ZipDirectory, isCheckpoint: Bool) {
    self.directory = directory
    self.isCheckpoint = isCheckpoint
  }

  mutating func add(
    _ fault: ArchiveError,
    _ severity: Finding.Severity = .error
  ) {
    findings.append(Finding(fault, severity: severity))
  }

  mutating func add(
    _ severity: Finding.Severity,
    _ code: String,
    _ record: ZipRecord? = nil,
    offset: Int? = nil,
    _ message: String
  ) {
    let place = offset ?? record?.headerOffset
    findings.append(
      Finding(
        severity,
        code,
        record: record.map { directory.name(of: $0) },
        offset: place.map(directory.fileOffset),
        message
      )
    )
  }

  /// What lies before and behind the archive, and what it says of itself.
  private mutating func checkEnds() {
    let end = directory.end
    let count = directory.bytes.count
    let startsRight = directory.bytes.withView {
      $0.u32(0) == Zip.localSignature
    }
    if end.prependedBytes > 0 || (isCheckpoint && !startsRight) {
      add(
        isCheckpoint ? .error : .warning,
        "prepended-bytes",
        offset: 0,
        "the file does not begin with a record; PyTorch refuses it"
      )
    }
    if end.claimedCommentLength > end.commentRange.count {
      add(
        .error,
        "comment-cut",
        offset: end.commentRange.lowerBound,
        "the end record claims a comment of \(end.claimedCommentLength) "
          + "bytes, but \(end.commentRange.count) follow"
      )
    } else if !end.commentRange.isEmpty {
      add(
        .note,
        "comment",
        offset: end.commentRange.lowerBound,
        "the archive has a comment of \(end.commentRange.count) bytes"
      )
    }
    for gap in end.gaps {
      add(
        .error,
        "bytes-behind-directory",
        offset: gap.lowerBound,
        "\(gap.count) bytes lie between the central directory and the end "
          + "record: other readers may find another directory there"
      )
    }
    if count > end.archiveEnd {
      add(
        .warning,
        "trailing-bytes",
        offset: end.archiveEnd,
        "\(count - end.archiveEnd) bytes follow the archive's end"
      )
    }
  }

  /// Names that name another place, or two records at once.
  private mutating func checkNames() {
    for record in directory.records {
      let name = directory.name(of: record)
      let isText = unsafe directory.withNameBytes(of: record) {
        unsafe String(validating: $0, as: UTF8.self) != nil
      }
      if name.isEmpty {
        add(.error, "empty-name", record, "the record has no name")
      }
      if !isText {
        add(.error, "name-not-utf8", record, "the name is not UTF-8")
      } else if record.flags & 0x0800 == 0, !name.utf8.allSatisfy({ $0 < 128 })
      {
        add(
          .note,
          "name-encoding",
          record,
          "the name is UTF-8, but the record's flags do not say so"
        )
      }
      if name.utf8.contains(0) {
        add(.error, "nul-in-name", record, "the name has a NUL byte")
      }
      if name.hasPrefix("/") || name.utf8.contains(UInt8(ascii: "\\"))
        || name.utf8.split(separator: UInt8(ascii: "/"))
          .contains(where: { $0.elementsEqual("..".utf8) })
      {
        add(
          .error,
          "unsafe-name",
          record,
          "the name leads out of the folder that it is unpacked into"
        )
      }
    }
    let index = ZipNameIndex(directory, ignoringCase: isCheckpoint)
    for pair in index.duplicates {
      add(directory.duplicateFault(pair.first, pair.second))
    }
  }

  private mutating func checkRoot() {
    guard isCheckpoint else { return }
    do throws(ArchiveError) {
      _ = try directory.singleRoot()
    } catch {
      add(error)
    }
  }

  /// Records that share bytes, and bytes of no record.
  private mutating func checkPlaces() {
    var overlaps: [ArchiveError] = []
    directory.forEachOverlap { first, second in
      overlaps.append(directory.overlapFault(first, second))
      return overlaps.count < Self.mostOverlaps
    }
    for fault in overlaps { add(fault) }

    var reach = directory.end.prependedBytes
    let ordered = directory.records.sorted { $0.headerOffset < $1.headerOffset }
    for record in ordered {
      if record.headerOffset > reach {
        add(
          .warning,
          "unused-bytes",
          offset: reach,
          "\(record.headerOffset - reach) bytes before "
            + "\(directory.name(of: record)) belong to no record"
        )
      }
      // Where a record ends is not known if its header is broken.
      guard let range = try? directory.dataRange(of: record) else { return }
      let end = descriptor(of: record, after: range)?.end ?? range.upperBound
      reach = max(reach, end)
    }
    let unused = directory.end.directoryRange.lowerBound - reach
    if unused > 0 {
      add(
        .warning,
        "unused-bytes",
        offset: reach,
        "\(unused) bytes before the central directory belong to no record"
      )
    }
  }

  /// Asks libzip, whose consistency check is a second opinion.
  private mutating func askLibzip() {
    guard findings.allSatisfy({ $0.severity == .note }) else { return }
    do throws(ArchiveError) {
      _ = try ZipHandle(reading: directory.bytes, checking: true)
    } catch {
      add(.error, "libzip-refuses", nil, error.message)
    }
  }
}
