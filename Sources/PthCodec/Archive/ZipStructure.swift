// What must hold between the records of a PyTorch archive: one root folder,
// no name twice, no shared bytes.

extension ZipDirectory {
  /// Where the root folder's name lies: the first record's name up to its
  /// first slash, as PyTorch finds it.
  ///
  /// - Throws: ``ArchiveError`` where a record lies outside of it.
  func singleRoot() throws(ArchiveError) -> Range<Int> {
    guard let first = records.first else {
      throw ArchiveError(
        .noSingleRoot,
        file: bytes.path,
        offset: bytes.fileOffset + end.offset,
        "the archive has no records"
      )
    }
    guard let length = rootLength(of: first), length > 0 else {
      throw fault(
        .noSingleRoot,
        first,
        "the record lies in no folder; PyTorch keeps all records in one",
        hint: "this is a zip archive, but no PyTorch checkpoint"
      )
    }
    let start = first.nameRange.lowerBound
    let root = start..<start + length + 1
    for record in records.dropFirst() where !isInside(record, root) {
      throw fault(
        .noSingleRoot,
        record,
        "the record is not in the root folder \(text(in: root)) of the first",
        hint: "PyTorch refuses such a file"
      )
    }
    return start..<start + length
  }

  /// The length of a name before its first slash.
  func rootLength(of record: ZipRecord) -> Int? {
    unsafe withNameBytes(of: record) { name in
      unsafe name.firstIndex(of: UInt8(ascii: "/"))
    }
  }

  /// Whether a record's name begins with the bytes in `root`.
  func isInside(_ record: ZipRecord, _ root: Range<Int>) -> Bool {
    guard record.nameLength >= root.count else { return false }
    let start = record.nameRange.lowerBound
    return bytes.withView { $0.areEqual(start..<start + root.count, root) }
  }

  /// The first two records that share bytes, if there are any.
  func firstOverlap() -> (first: Int, second: Int)? {
    var found: (first: Int, second: Int)?
    forEachOverlap { first, second in
      found = found ?? (first, second)
      return false
    }
    return found
  }

  /// Calls `body` with pairs of records that share bytes, by position in the
  /// file, until it returns false.
  func forEachOverlap(_ body: (Int, Int) -> Bool) {
    // PyTorch's files have their records in the order of the directory.
    let inOrder = zip(records, records.dropFirst())
      .allSatisfy { $0.headerOffset < $1.headerOffset }
    let order =
      inOrder
      ? Array(records.indices)
      : records.indices.sorted {
        (records[$0].headerOffset, $0) < (records[$1].headerOffset, $1)
      }
    var reach = 0
    var last = -1
    for index in order {
      let record = records[index]
      if last >= 0, record.headerOffset < reach {
        guard body(last, index) else { return }
      }
      let end = leastEnd(of: record)
      if end > reach {
        reach = end
        last = index
      }
    }
  }

  /// The end of what a record takes at least: header, name and bytes.
  private func leastEnd(of record: ZipRecord) -> Int {
    let header = Zip.localHeaderSize + record.nameLength
    let (size, first) = record.compressedSize
      .addingReportingOverflow(header)
    let (end, second) = record.headerOffset.addingReportingOverflow(size)
    return first || second ? .max : end
  }

  func overlapFault(_ first: Int, _ second: Int) -> ArchiveError {
    fault(
      .overlap,
      records[second],
      "the record shares bytes with \(name(of: records[first]))",
      hint: "the file is damaged or made to deceive; see `pth verify`"
    )
  }

  func duplicateFault(_ first: Int, _ second: Int) -> ArchiveError {
    let same = bytes.withView { view in
      view.areEqual(records[first].nameRange, records[second].nameRange)
    }
    return fault(
      .duplicateName,
      records[second],
      offset: records[second].entryRange.lowerBound,
      same
        ? "the name comes twice, and readers differ in which one they take"
        : "the name differs from \(name(of: records[first])) in case alone, "
          + "which PyTorch does not tell apart",
      hint: "the file is made to deceive or was edited by a zip tool"
    )
  }
}
