// How much memory an archive may make a reader take.

/// How much memory a compressed record may take.
public struct ArchiveLimits: Sendable, Hashable {
  /// The most bytes that one record may inflate to.
  public var maximumInflatedBytes: Int

  /// The most that a record may grow by inflating, as a factor; records of
  /// up to 16 MiB are not measured by it.
  public var maximumInflationRatio: Int

  static let alwaysAllowed = 16 << 20

  /// Makes limits; the defaults suit every file that PyTorch writes.
  public init(
    maximumInflatedBytes: Int = 1 << 36,
    maximumInflationRatio: Int = 900
  ) {
    self.maximumInflatedBytes = maximumInflatedBytes
    self.maximumInflationRatio = maximumInflationRatio
  }
}

extension ArchiveLimits {
  /// Checks what a record claims to inflate to, before memory is reserved.
  func check(
    _ record: ZipRecord,
    in directory: ZipDirectory
  ) throws(ArchiveError) {
    let size = record.uncompressedSize
    let (most, overflow) = max(1, record.compressedSize)
      .multipliedReportingOverflow(by: maximumInflationRatio)
    let withinRatio = size <= Self.alwaysAllowed || overflow || size <= most
    guard withinRatio, size <= maximumInflatedBytes else {
      throw directory.fault(
        .tooLarge,
        record,
        "\(record.compressedSize) bytes claim to inflate to \(size), beyond "
          + "the limits of \(maximumInflatedBytes) bytes and "
          + "\(maximumInflationRatio) to 1",
        hint: "raise the limits if you trust the file"
      )
    }
  }
}
