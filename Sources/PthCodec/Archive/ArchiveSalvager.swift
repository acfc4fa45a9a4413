// What is still whole in a truncated or damaged archive: found by walking the
// local headers, without trusting the central directory.
package import Tensors

/// A record that a walk through a damaged archive came across.
package struct SalvagedRecord: Sendable {
  /// Whether a record's bytes are those that were written.
  package enum State: Sendable, Hashable {
    /// The CRC-32 that was noted with them says so.
    case intact
    /// They are there in full, but have another CRC-32.
    case wrongChecksum
    /// What follows them is not there, so that their end is not known.
    case unknownEnd
    /// The file ends before they do.
    case cutShort
  }

  /// The whole name, with the root folder.
  package let name: String

  /// Whether the bytes can be trusted.
  package let state: State

  /// The bytes in the archive; up to the next header or the end of the file
  /// where their own end is not known.
  package let range: Range<Int>

  /// The method: 0 stored, 8 deflated.
  package let method: UInt16

  /// The CRC-32 that was noted, if it was found.
  package let crc32: UInt32?

  /// The size when inflated, if it was found.
  package let uncompressedSize: Int?

  /// Where the local header starts.
  package let headerOffset: Int
}

/// The records of a damaged archive.
///
/// The walk is linear in the file's size, whatever the file holds.
package struct ArchiveSalvager: Sendable {
  /// Everything that was found, in the file's order; of several records with
  /// one name the first intact one.
  package let records: [SalvagedRecord]

  /// The folder that the first record lies in.
  package let root: String?

  private let bytes: ArchiveBytes
  private let limits: ArchiveLimits
  private let positions: [String: Int]

  /// Walks through an archive.
  ///
  /// - Parameters:
  ///   - bytes: The archive or what is left of it.
  ///   - limits: How much compressed records may inflate to.
  ///   - progress: Told how far the walk has come.
  package init(
    _ bytes: ArchiveBytes,
    limits: ArchiveLimits = ArchiveLimits(),
    progress: ProgressHandler? = nil
  ) {
    self.bytes = bytes
    self.limits = limits
    var walk = SalvageWalk(bytes, limits, progress)
    walk.run()
    var records: [SalvagedRecord] = []
    var positions: [String: Int] = [:]
    // An archive inside a record has another root, or lies deeper.
    let root = walk.found.first.flatMap { Self.root(of: $0.name) }
    for record in walk.found where Self.root(of: record.name) == root {
      guard let known = positions[record.name] else {
        positions[record.name] = records.count
        records.append(record)
        continue
      }
      if records[known].state != .intact, record.state == .intact {
        records[known] = record
      }
    }
    self.records = records
    self.positions = positions
    self.root = root
  }

  private static func root(of name: String) -> String? {
    name.firstIndex(of: "/").map { String(name[..<$0]) }
  }

  /// The record with this name inside the root folder.
  package func record(_ name: String) -> SalvagedRecord? {
    positions[root.map { $0 + "/" + name } ?? name].map { records[$0] }
  }

  /// The bytes of a record: of an intact one all, of another what is there.
  ///
  /// - Throws: ``ArchiveError`` for a compressed record that is not intact.
  package func storage(
    of record: SalvagedRecord
  ) throws(ArchiveError) -> Storage {
    func fault(_ message: String) -> ArchiveError {
      ArchiveError(
        .badCompression,
        file: bytes.path,
        record: record.name,
        offset: bytes.fileOffset + record.range.lowerBound,
        message
      )
    }
    guard record.method != 0 else {
      do {
        return try bytes.storage(record.range)
      } catch {
        throw fault("\(error)")
      }
    }
    guard record.state == .intact,
      let inflated = bytes.withView({ view in
        SalvageWalk.inflated(record, in: view, bytes, limits)
      })
    else { throw fault("a compressed record can't be read in part") }
    return inflated
  }
}
