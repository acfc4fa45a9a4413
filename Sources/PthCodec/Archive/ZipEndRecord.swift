// The end of a zip archive: the end record, its zip64 form, and where they say
// that the central directory lies.

/// Where an archive's directory lies, by its end record.
///
/// Positions count from the start of the archive's bytes.
package struct ZipEndRecord: Sendable {
  /// Where the end record lies.
  package let offset: Int
  /// The bytes that the central directory takes.
  package let directoryRange: Range<Int>
  /// The number of records that the directory holds.
  package let recordCount: Int
  /// The bytes of the archive's comment.
  package let commentRange: Range<Int>
  /// The length of the comment that the end record claims.
  package let claimedCommentLength: Int
  /// Where the zip64 end record lies, if there is one.
  package let zip64Offset: Int?
  /// Bytes before the archive that its own positions do not count.
  package let prependedBytes: Int

  /// The end of what belongs to the archive.
  package var archiveEnd: Int { commentRange.upperBound }

  /// Bytes between the central directory and the end records that belong to
  /// neither.
  ///
  /// Readers that look for the directory right before the end record, as
  /// Python's does, find another one there.
  package var gaps: [Range<Int>] {
    let locator = offset - Zip.locatorSize
    let gaps =
      if let zip64Offset {
        [
          directoryRange
            .upperBound..<max(
              zip64Offset,
              directoryRange.upperBound
            ),
          zip64Offset
            + Zip.end64Size..<max(
              locator,
              zip64Offset + Zip.end64Size
            ),
        ]
      } else {
        [directoryRange.upperBound..<offset]
      }
    return gaps.filter { !$0.isEmpty }
  }

  /// Finds the end record as other readers do: the last one in the file that
  /// points at a directory.
  init(
    in view: ByteView,
    of bytes: ArchiveBytes
  ) throws(ArchiveError) {
    guard view.count > 0 else {
      throw ArchiveError(
        .emptyFile,
        file: bytes.path,
        "the file is empty, so it is no checkpoint",
        hint: "it may not have been copied or saved to its end"
      )
    }
    var doubt: ArchiveError?
    let last = view.count - Zip.endSize
    let first = max(0, last - Zip.maximumComment)
    var offset = last
    while offset >= first {
      if view.u32(offset) == Zip.endSignature {
        do throws(ArchiveError) {
          self = try Self(at: offset, in: view, of: bytes)
          return
        } catch {
          doubt = doubt ?? error
        }
      }
      offset -= 1
    }
    throw doubt ?? Self.missing(in: view, of: bytes)
  }

  private static func missing(
    in view: ByteView,
    of bytes: ArchiveBytes
  ) -> ArchiveError {
    guard view.u32(0) == Zip.localSignature else {
      return ArchiveError(
        .notZip,
        file: bytes.path,
        offset: bytes.fileOffset,
        "the file is not a zip archive: it does not start with PK\\3\\4 and "
          + "has no end record"
      )
    }
    return ArchiveError(
      .truncated,
      file: bytes.path,
      offset: bytes.fileOffset + view.count,
      "the zip archive is cut short: its end record is not among the last "
        + "\(Zip.maximumComment + Zip.endSize) bytes",
      hint: "copy the file again, or try `pth salvage`"
    )
  }

  private init(
    at offset: Int,
    in view: ByteView,
    of bytes: ArchiveBytes
  ) throws(ArchiveError) {
    func bad(
      _ message: String,
      code: ArchiveError.Code = .badEndRecord
    ) -> ArchiveError {
      ArchiveError(
        code,
        file: bytes.path,
        offset: bytes.fileOffset + offset,
        message,
        hint: "the file is damaged or cut short; `pth salvage` keeps what is "
          + "whole"
      )
    }
    guard
      let disk = view.u16(offset + 4),
      let directoryDisk = view.u16(offset + 6),
      let countHere = view.u16(offset + 8),
      let count = view.u16(offset + 10),
      let size = view.u32(offset + 12),
      let start = view.u32(offset + 16),
      let comment = view.u16(offset + 20)
    else { throw bad("the end record is cut short") }
    guard disk == 0 || disk == 0xFFFF, directoryDisk == disk,
      countHere == count
    else {
      throw bad(
        "the archive is volume \(disk) of several",
        code: .multipleVolumes
      )
    }

    let zip64 = try Zip64End(before: offset, in: view, bad: { bad($0) })
    let end = zip64?.offset ?? offset
    var directory = (
      start: Int(start), size: Int(size), count: Int(count)
    )
    if let zip64 {
      guard
        count == 0xFFFF || zip64.count == directory.count,
        size == UInt32.max || zip64.size == directory.size,
        start == UInt32.max || zip64.start == directory.start
      else {
        throw bad("the end record and the zip64 end record do not agree")
      }
      directory = (zip64.start, zip64.size, zip64.count)
    }

    guard directory.size <= end else {
      throw bad(
        "the central directory of \(directory.size) bytes does not fit into "
          + "the \(end) bytes before the end record"
      )
    }
    // A record takes at least 46 bytes: no memory for more than there can be.
    guard directory.count <= directory.size / Zip.centralHeaderSize else {
      throw bad(
        "the end record claims \(directory.count) records in a central "
          + "directory of \(directory.size) bytes"
      )
    }
    func holdsDirectory(_ position: Int) -> Bool {
      directory.count == 0 || view.u32(position) == Zip.centralSignature
    }
    var prepended = zip64?.prependedBytes ?? 0
    let adjacent = end - directory.size
    if prepended == 0, directory.start < adjacent,
      !holdsDirectory(directory.start)
    {
      prepended = adjacent - directory.start
    }
    let (position, overflow) = directory.start.addingReportingOverflow(
      prepended
    )
    guard !overflow, position <= adjacent, holdsDirectory(position) else {
      throw bad(
        "there is no central directory at byte \(directory.start), where the "
          + "end record says"
      )
    }
    self.offset = offset
    directoryRange = position..<position + directory.size
    recordCount = directory.count
    let commentStart = offset + Zip.endSize
    commentRange =
      commentStart..<min(view.count, commentStart + Int(comment))
    claimedCommentLength = Int(comment)
    zip64Offset = zip64?.offset
    prependedBytes = prepended
  }
}

/// The zip64 end record, found by its locator.
private struct Zip64End {
  let offset: Int
  let count: Int
  let size: Int
  let start: Int
  let prependedBytes: Int

  init?(
    before end: Int,
    in view: ByteView,
    bad: (String) -> ArchiveError
  ) throws(ArchiveError) {
    let locator = end - Zip.locatorSize
    guard view.u32(locator) == Zip.locatorSignature else { return nil }
    guard let claimed = view.position(locator + 8) else {
      throw bad("the zip64 locator points outside the file")
    }
    let adjacent = locator - Zip.end64Size
    if view.u32(claimed) == Zip.end64Signature {
      offset = claimed
      prependedBytes = 0
    } else if adjacent > claimed,
      view.u32(adjacent) == Zip.end64Signature
    {
      offset = adjacent
      prependedBytes = adjacent - claimed
    } else {
      throw bad(
        "there is no zip64 end record at byte \(claimed), where its locator "
          + "says"
      )
    }
    guard
      offset <= adjacent,
      let disk = view.u32(offset + 16),
      let directoryDisk = view.u32(offset + 20),
      let countHere = view.position(offset + 24),
      let count = view.position(offset + 32),
      let size = view.position(offset + 40),
      let start = view.position(offset + 48)
    else { throw bad("the zip64 end record's numbers are beyond the file") }
    guard disk == 0, directoryDisk == 0, countHere == count else {
      throw bad("the zip64 end record speaks of several volumes")
    }
    self.count = count
    self.size = size
    self.start = start
  }
}
