internal import Tensors

extension ScanRun {
  /// Scans what is compressed as a whole: joblib and pandas load such pickles.
  ///
  /// - Returns: Whether something was found in it.
  mutating func scanGzip(
    _ target: ScanTarget,
    depth: Int
  ) throws -> Bool {
    guard depth < Self.maxDepth else {
      noteTooDeep(target)
      return true
    }
    let inflated: Storage
    do {
      inflated = try unsafe target.withUnsafeBytes { packed in
        try unsafe Gzip.withInflated(packed, options: options.reading) {
          unsafe Storage(copying: $0)
        }
      }
    } catch let error as CheckpointError {
      // The three bytes of a gzip file's start may begin any other record.
      guard depth == 0 || target.location.hasSuffix(".gz") else {
        return false
      }
      report.isUnreadable = true
      report.findings.append(Finding(error))
      return true
    }
    guard spend(inflated.byteCount, target.location, depth: depth) else {
      return true
    }
    let name = target.location.isEmpty ? "" : target.location + "!"
    let part = ScanTarget(inflated, location: name + "(inflated)")
    if try scanContainer(part, depth: depth + 1) { return true }
    let isPickle = target.location.hasSuffix(".pkl.gz")
    if try scanPickles(part, isCertain: isPickle) { return true }
    return IDXHeader.recognizes(try part.head(4))
  }
}
