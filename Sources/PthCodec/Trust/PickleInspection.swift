internal import Pickle
internal import Tensors

/// Bytes that may hold pickles, with the name under which a report shows them.
struct ScanTarget {
  let storage: Storage
  let range: Range<Int>
  let location: String
  /// The file that the storage maps the whole of, if it does.
  let file: MappedFile?

  init(
    _ storage: Storage,
    range: Range<Int>? = nil,
    location: String,
    file: MappedFile? = nil
  ) {
    self.storage = storage
    self.range = range ?? 0..<storage.byteCount
    self.location = location
    self.file = file
  }

  /// The bytes as those of an archive.
  ///
  /// - Throws: What reading the storage throws.
  func archiveBytes(path: String) throws -> ArchiveBytes {
    if let file { return ArchiveBytes(file, range: range) }
    return try ArchiveBytes(storage, range: range, path: path)
  }

  /// The part of these bytes from `start` on, counted from their beginning.
  func dropFirst(_ start: Int) -> ScanTarget {
    ScanTarget(
      storage,
      range: min(range.lowerBound + start, range.upperBound)..<range.upperBound,
      location: location,
      file: file
    )
  }

  /// A part of these bytes, counted from their beginning; cut at their end.
  func part(_ part: Range<Int>, location: String) -> ScanTarget {
    let shifted =
      range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound
    return ScanTarget(
      storage,
      range: shifted.clamped(to: range),
      location: location,
      file: file
    )
  }

  var count: Int { range.count }

  /// Calls `body` with the bytes.
  ///
  /// - Throws: What reading the storage throws.
  func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try unsafe storage.withUnsafeBytes {
      try unsafe body(UnsafeRawBufferPointer(rebasing: $0[range]))
    }
  }

  /// The first bytes, at most `count`.
  func head(_ count: Int) throws -> [UInt8] {
    try unsafe withUnsafeBytes { unsafe Array($0.prefix(count)) }
  }

  /// The bytes up to `limit` as a source of pickles.
  func source(limit: Int = .max) throws -> PickleSource {
    let bytes = try unsafe storage.unsafeBytes()
    let end = range.lowerBound + min(range.count, limit)
    return unsafe PickleSource(
      unsafeBytes: UnsafeRawBufferPointer(
        rebasing: bytes[range.lowerBound..<end]
      ),
      owner: storage
    )
  }
}

/// Lists what one pickle imports, each name with its verdict.
struct PickleInspection {
  let policy: GlobalPolicy
  var limits: PickleLimits

  /// Looks at a pickle.
  ///
  /// - Parameters:
  ///   - source: The bytes.
  ///   - start: Where the pickle starts in them.
  ///   - location: The name of the bytes.
  /// - Returns: What is in it.
  func inspect(
    _ source: PickleSource,
    at start: Int,
    location: String
  ) -> (pickle: ScannedPickle, isLegacyMagic: Bool) {
    let partial = Unpickler.decodePermissively(
      source,
      at: start,
      limits: limits
    )
    let report = Scanner.scan(partial, source)
    var globals: [ScannedGlobal] = []
    var places: [Scanner.Name: Int] = [:]
    for finding in report.findings {
      if let place = places[finding.name] {
        merge(finding, into: &globals[place])
      } else {
        places[finding.name] = globals.count
        globals.append(global(finding))
      }
    }
    let pickle = ScannedPickle(
      location: location,
      offset: start,
      byteCount: max(0, report.endOffset - start),
      protocolVersion: report.protocolVersion,
      globals: globals,
      failure: report.failure?.message,
      failureOffset: report.failure?.offset
    )
    let isMagic =
      report.failure == nil && Self.isLegacyMagic(partial.graph)
    return (pickle, isMagic)
  }

  /// Whether a pickle is the number that opens files of torch before 1.6.
  static func isLegacyMagic(_ graph: PickleGraph) -> Bool {
    graph.bigIntBytes(graph.root) == LegacyFile.magic
  }

  private func global(_ finding: Scanner.Finding) -> ScannedGlobal {
    ScannedGlobal(
      name: finding.name.description,
      verdict: policy.verdict(on: finding),
      opcode: finding.opcode?.name ?? "",
      offset: finding.offset,
      keyPath: finding.path,
      importCount: finding.importCount,
      callCount: finding.callCount,
      firstCall: call(finding),
      isChanged: policy.changesShared(finding),
      isPassedOn: policy.givesAway(finding)
    )
  }

  private func merge(
    _ finding: Scanner.Finding,
    into global: inout ScannedGlobal
  ) {
    global.importCount += finding.importCount
    global.callCount += finding.callCount
    global.firstCall = global.firstCall ?? call(finding)
    if policy.changesShared(finding) { global.isChanged = true }
    if policy.givesAway(finding) { global.isPassedOn = true }
    global.verdict = max(global.verdict, policy.verdict(on: finding))
  }

  private func call(
    _ finding: Scanner.Finding
  ) -> (opcode: String, offset: Int)? {
    finding.firstCall.map { (finding.firstCallOpcode?.name ?? "", $0) }
  }
}
