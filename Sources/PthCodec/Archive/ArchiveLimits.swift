// How much memory an archive may make a reader take.

/// How much memory a compressed record may take.
public struct ArchiveLimits: Sendable, Hashable {
  /// The most bytes that one record may inflate to.
  public var maximumInflatedBytes: Int

  /// The most that a record may grow by inflating, as a factor; a twenty-fifth
  /// of it for pickles, which are decoded into more: PyTorch's own shrink to a
  /// fifth at most.
  ///
  /// Records of up to 64 MiB are not measured by it, nor are pickles of up to
  /// 2.5 MiB.
  public var maximumInflationRatio: Int

  /// Makes limits; the defaults suit every file that PyTorch writes.
  public init(
    maximumInflatedBytes: Int = 1 << 36,
    maximumInflationRatio: Int = 500
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
    let isPickle = directory.name(of: record).hasSuffix(".pkl")
    guard size <= most(from: record.compressedSize, isPickle: isPickle) else {
      throw directory.fault(
        .tooLarge,
        record,
        "\(record.compressedSize) bytes claim to inflate to \(size), beyond "
          + "the limits of \(maximumInflatedBytes) bytes and "
          + "\(ratio(isPickle)) to 1",
        hint: "if you trust the file, raise them: --max-ratio, "
          + "--max-inflated-size (pth convert takes them)"
      )
    }
  }

  /// The most that so many compressed bytes may become.
  func most(from compressedSize: Int, isPickle: Bool) -> Int {
    let (most, overflow) = max(1, compressedSize)
      .multipliedReportingOverflow(by: ratio(isPickle))
    return overflow
      ? maximumInflatedBytes
      : min(maximumInflatedBytes, max(most, isPickle ? 5 << 19 : 64 << 20))
  }

  private func ratio(_ isPickle: Bool) -> Int {
    max(1, isPickle ? maximumInflationRatio / 25 : maximumInflationRatio)
  }
}
