// Zip archives of any layout, such as NumPy's npz, written by libzip.
internal import CZip
package import Tensors

/// One entry of a zip archive that is to be written.
package struct GeneralZipEntry: Sendable {
  /// How an entry's bytes are kept.
  package enum Method: Sendable {
    /// As they are.
    case stored
    /// Deflated, from 1 (fast) to 9 (small).
    case deflated(level: Int)
  }

  /// Where an entry's bytes come from.
  @safe
  package enum Content: Sendable {
    /// These storages' bytes, one after the other.
    case storages([Storage])
    /// Bytes that `produce` pushes to its argument, in order, on a thread of
    /// its own; no more than a few pieces are kept.
    case pushed(size: Int, produce: Storage.Producer)
  }

  /// The entry's name, with `/` between folders.
  package var name: String

  /// The entry's bytes.
  package var content: Content

  /// How they are kept.
  package var method: Method

  /// Makes an entry.
  package init(_ name: String, _ content: Content, method: Method = .stored) {
    self.name = name
    self.content = content
    self.method = method
  }
}

/// Why libzip did not write an archive.
package struct GeneralZipError: Error, Sendable, CustomStringConvertible {
  /// What libzip says, and of which entry.
  package let description: String
}

/// Writes zip archives of any layout.
package enum GeneralZipWriter {
  /// Writes an archive.
  ///
  /// Same entries, same bytes: dates are 1980-01-01.
  ///
  /// - Parameters:
  ///   - entries: The entries in order.
  ///   - sink: Where the archive goes; it must be empty. libzip goes back to
  ///     fill in sizes, so a pipe will not do.
  /// - Throws: ``FileError`` where it can't be written, ``GeneralZipError``
  ///   where libzip can't, and what an entry's content throws.
  package static func write(
    _ entries: [GeneralZipEntry],
    to sink: any PatchableSink
  ) throws {
    guard !entries.isEmpty else {
      // libzip writes no archive without entries.
      try sink.write(EndRecords.emptyArchive)
      return
    }
    let output = ZipOutput(sink)
    let contents = try entries.map { try ZipEntryInput($0) }
    do {
      try write(entries, contents, to: output)
    } catch {
      // The first cause tells more than libzip's words about it.
      throw output.failure ?? contents.firstFailure ?? error
    }
    try withExtendedLifetime(contents) {
      if let failure = output.failure ?? contents.firstFailure { throw failure }
    }
  }

  private static func write(
    _ entries: [GeneralZipEntry],
    _ contents: [ZipEntryInput],
    to output: ZipOutput
  ) throws {
    var problem = unsafe zip_error_t()
    unsafe zip_error_init(&problem)
    defer { unsafe zip_error_fini(&problem) }
    let target = try unsafe output.makeSource(&problem)
    guard
      let archive = unsafe zip_open_from_source(
        target,
        ZIP_CREATE | ZIP_TRUNCATE,
        &problem
      )
    else {
      unsafe zip_source_free(target)
      throw unsafe fault(&problem)
    }
    do {
      for (entry, content) in zip(entries, contents) {
        try unsafe add(entry, content, to: archive)
      }
    } catch {
      unsafe zip_discard(archive)
      throw error
    }
    guard unsafe zip_close(archive) == 0 else {
      let error = unsafe fault(zip_get_error(archive))
      unsafe zip_discard(archive)
      throw error
    }
  }

  private static func add(
    _ entry: GeneralZipEntry,
    _ content: ZipEntryInput,
    to archive: OpaquePointer
  ) throws {
    func fault() -> GeneralZipError {
      unsafe Self.fault(zip_get_error(archive), entry: entry.name)
    }
    var problem = unsafe zip_error_t()
    unsafe zip_error_init(&problem)
    defer { unsafe zip_error_fini(&problem) }
    let source = try unsafe content.makeSource(&problem)
    let added = unsafe zip_file_add(
      archive,
      entry.name,
      source,
      zip_flags_t(ZIP_FL_ENC_UTF_8)
    )
    guard added >= 0 else {
      let error = fault()
      unsafe zip_source_free(source)
      throw error
    }
    let (method, level): (Int32, UInt32) =
      switch entry.method {
      case .stored: (Int32(ZIP_CM_STORE), 0)
      case .deflated(let level):
        (Int32(ZIP_CM_DEFLATE), UInt32(min(max(level, 1), 9)))
      }
    let index = UInt64(added)
    guard
      unsafe zip_set_file_compression(archive, index, method, level) == 0,
      // A time of 0 would be turned by the time zone; 0x21 is 1980-01-01.
      unsafe zip_file_set_dostime(archive, index, 0, 0x21, 0) == 0
    else { throw fault() }
  }

  private static func fault(
    _ problem: UnsafeMutablePointer<zip_error_t>?,
    entry: String? = nil
  ) -> GeneralZipError {
    let text = unsafe problem.flatMap { problem in
      unsafe zip_error_strerror(problem).map { unsafe String(cString: $0) }
    }
    let place = entry.map { "entry \($0): " } ?? ""
    return GeneralZipError(
      description: place + "libzip: \(text ?? "unknown error")"
    )
  }
}

extension [ZipEntryInput] {
  fileprivate var firstFailure: (any Error)? {
    lazy.compactMap(\.failure).first
  }
}

extension EndRecords {
  /// An archive without records.
  fileprivate static var emptyArchive: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Zip.endSignature)
    bytes.append(contentsOf: repeatElement(0, count: Zip.endSize - 4))
    return bytes
  }
}
