internal import Pickle
public import Tensors

/// What ``FileScanner`` accepts, and how much a file may ask for.
public struct ScanOptions: Sendable {
  /// Names, as `module.name`, that count as safe.
  public var allowed: [NameGlob]

  /// How much memory and how many steps a file may ask for.
  public var reading: ReadOptions

  /// Told how many bytes of an archive's records are checked.
  public var progress: ProgressHandler?

  /// Makes options.
  ///
  /// - Parameters:
  ///   - allowed: Names, as `module.name`, that count as safe.
  ///   - reading: How much memory and how many steps a file may ask for.
  ///   - progress: Told how many bytes of an archive's records are checked.
  public init(
    allowed: [NameGlob] = [],
    reading: ReadOptions = ReadOptions(),
    progress: ProgressHandler? = nil
  ) {
    self.allowed = allowed
    self.reading = reading
    self.progress = progress
  }
}

/// Tells what would run if Python loaded a file, without running anything.
public enum FileScanner {
  /// Scans a file, or every file of a folder.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - options: What is accepted.
  /// - Returns: Every pickle in it with its imports, and what is wrong with
  ///   the containers.
  /// - Throws: `FileError` for what can't be opened, ``CheckpointError`` for
  ///   what holds no pickle and is of no known format.
  public static func scan(
    _ path: String,
    options: ScanOptions = ScanOptions()
  ) throws -> ScanReport {
    let input = try CheckpointInput(path)
    var run = ScanRun(path, options)
    guard let file = input.file else {
      try run.scanFolder(path)
      return run.report
    }
    guard try run.scanFile(file, input, location: "") else {
      throw ForeignContent.error(for: input)
    }
    run.report.findings += WrongExtension.findings(input)
    run.report.findings = run.report.findings.capped
    return run.report
  }
}

/// One scan: what it has found so far.
struct ScanRun {
  var report: ScanReport
  let options: ScanOptions
  private var inspection: PickleInspection

  /// Archives inside archives inside archives: more is an attack.
  static let maxDepth = 6
  /// How much of a record is looked at that need not be a pickle, and how much
  /// of one that is a tensor's bytes.
  private static let guessedBytes = 64 << 20
  private static let guessedDataBytes = 1 << 20
  private static let maxPickles = 100_000
  /// What all compressed records and nested archives may come to together: many
  /// small bombs must not be one large one.
  private var bytesLeft = leastBytes
  private static let leastBytes = 8 << 20
  /// What the compressed records may take in the file: those that share their
  /// bytes take more than there is.
  private var packedLeft = 0

  init(_ file: String, _ options: ScanOptions) {
    report = ScanReport(file: file)
    self.options = options
    inspection = PickleInspection(
      policy: GlobalPolicy(allowed: options.allowed),
      limits: options.reading.pickle
    )
  }

  /// Scans a file of any format.
  ///
  /// - Returns: Whether it could be told what it is.
  mutating func scanFile(
    _ file: MappedFile,
    _ input: CheckpointInput,
    location: String
  ) throws -> Bool {
    inspection.limits = options.reading.pickle.within(
      fileSize: file.count,
      isBuilt: false
    )
    bytesLeft = max(
      Self.leastBytes,
      options.reading.archiveLimits.most(from: file.count, isPickle: true)
    )
    packedLeft = file.count.multipliedReportingOverflow(by: 2).partialValue
    if location.isEmpty, ShardIndex.recognizes(input, suffix: "index.json") {
      try scanShards(file, beside: input.path)
      return true
    }
    let storage = try Storage(mapping: file, range: 0..<file.count)
    let target = ScanTarget(storage, location: location, file: file)
    if try scanContainer(target, depth: 0) { return true }
    if try scanPickles(target, isCertain: false) { return true }
    // What a compressed file holds has been looked at.
    return !Gzip.recognizes(input.head)
      && (try? FormatRegistry.reader(for: input, as: nil)) != nil
  }

  /// Scans bytes that begin, or end, as a container of pickles does.
  ///
  /// - Returns: Whether they are one.
  mutating func scanContainer(
    _ target: ScanTarget,
    depth: Int
  ) throws -> Bool {
    let head = try target.head(512)
    if try Zip.recognizes(head) || ZipScan.hasDirectory(target) {
      guard depth < Self.maxDepth else {
        noteTooDeep(target)
        return true
      }
      // Archives may follow one another; each of them counts the bytes before
      // it as no part of it.
      var rest = [target]
      while let next = rest.popLast() {
        rest += try ZipScan(next, depth: depth).run(&self)
      }
      return true
    }
    if TarMembers.recognizes(head) {
      try scanTar(target, depth: depth)
      return true
    }
    if NPYHeader.recognizes(head) {
      try scanArray(target, head)
      return true
    }
    return try Gzip.recognizes(head) && scanGzip(target, depth: depth)
  }

  /// Takes what a compressed or nested record holds from the budget.
  ///
  /// - Parameters:
  ///   - count: Its bytes.
  ///   - packed: The bytes that it takes in the file.
  ///   - location: Its name.
  ///   - depth: How many archives it is in, the file itself not counted.
  /// - Returns: False where there is too much of it; that is a finding.
  mutating func spend(
    _ count: Int,
    packed: Int = 0,
    _ location: String,
    depth: Int
  ) -> Bool {
    guard bytesLeft >= 0 else { return false }
    // An archive in an archive takes time even where it is empty.
    let cost = count.addingReportingOverflow(depth > 0 ? 4096 : 0)
    bytesLeft =
      bytesLeft.subtractingReportingOverflow(cost.partialValue)
      .partialValue
    packedLeft = packedLeft.subtractingReportingOverflow(packed).partialValue
    guard bytesLeft >= 0, packedLeft >= 0, !cost.overflow else {
      bytesLeft = -1
      report.isUnreadable = true
      report.findings.append(
        Finding(
          .error,
          "inflates-too-large",
          record: location,
          "with those before it, it is more than such a file should hold: it "
            + "and what follows are not looked into"
        )
      )
      return false
    }
    return true
  }

  mutating func noteTooDeep(_ target: ScanTarget) {
    report.isUnreadable = true
    report.findings.append(
      Finding(
        .error,
        "nested-too-deep",
        record: target.location,
        "more than \(Self.maxDepth) archives lie one inside the other"
      )
    )
  }

  /// Scans bytes that may be a run of pickles.
  ///
  /// - Parameters:
  ///   - target: The bytes.
  ///   - isCertain: Whether they are pickles by their name.
  ///   - isData: Whether they are a tensor's bytes, and pickles by accident.
  /// - Returns: Whether there is a pickle.
  /// - Throws: What reading the bytes throws.
  @discardableResult
  mutating func scanPickles(
    _ target: ScanTarget,
    isCertain: Bool,
    isData: Bool = false
  ) throws -> Bool {
    let head = try target.head(2)
    let isMarked = head.count == 2 && head[0] == 0x80 && head[1] <= 5
    let limit = isData ? Self.guessedDataBytes : Self.guessedBytes
    let source = try target.source(
      limit: isCertain || isMarked ? .max : limit
    )
    let isCut = !isData && source.count < target.count
    var start = 0
    var legacyLeft = 0
    while start < source.count || start == 0 {
      let (pickle, isMagic) = inspection.inspect(
        source,
        at: start,
        location: target.location
      )
      let isFirst = start == 0
      let mustBe =
        isFirst ? isCertain || isMarked && !isData : legacyLeft > 0
      // What is a pickle as far as it was looked at may go on as it likes.
      let isEndless = isCut && pickle.failureOffset ?? 0 >= source.count
      guard mustBe || isEndless || isLikely(pickle, isData: isData) else {
        if !isFirst, !isData {
          noteRest(target, from: start)
        }
        return !isFirst
      }
      report.pickles.append(pickle)
      if legacyLeft > 0 { legacyLeft -= 1 }
      if isFirst, isMagic { legacyLeft = LegacyFile.pickleCount - 1 }
      let end = pickle.offset + pickle.byteCount
      guard pickle.failure == nil, end > start else { return true }
      // Behind its fifth pickle such a file holds the storages' bytes.
      if legacyLeft == 0, !isFirst, isLegacy { return true }
      if isFirst { isLegacy = isMagic }
      guard report.pickles.count < Self.maxPickles else {
        report.isUnreadable = true
        return true
      }
      start = end
    }
    return true
  }

  private var isLegacy = false

  /// Whether bytes that nothing marks as a pickle are one that matters.
  private func isLikely(_ pickle: ScannedPickle, isData: Bool) -> Bool {
    if pickle.globals.contains(where: { $0.verdict == .dangerous }) {
      return true
    }
    return pickle.failure == nil && (!isData || !pickle.globals.isEmpty)
  }

  private mutating func noteRest(_ target: ScanTarget, from start: Int) {
    report.findings.append(
      Finding(
        .warning,
        "data-after-pickle",
        record: target.location.isEmpty ? nil : target.location,
        offset: start,
        "\(target.count - start) bytes that are no pickle follow the end of "
          + "the pickle"
      )
    )
  }

  /// Scans every file of a folder that can be told to be something.
  mutating func scanFolder(_ path: String) throws {
    var found = false
    for name in try FolderList.files(path) {
      let input = try CheckpointInput(path + "/" + name)
      guard let file = input.file else { continue }
      found = try scanFile(file, input, location: name) || found
    }
    guard found else {
      throw CheckpointError(
        .unknownFormat,
        "it is a folder without a checkpoint's files",
        file: path
      )
    }
  }

  // MARK: Other containers

  private mutating func scanTar(_ target: ScanTarget, depth: Int) throws {
    var members = TarMembers(target)
    while let member = try members.next() {
      let location =
        target.location.isEmpty
        ? member.name : target.location + "!" + member.name
      let part = target.part(member.range, location: location)
      if try scanTorchTar(part, member.name) { continue }
      if try scanContainer(part, depth: depth + 1) { continue }
      try scanPickles(part, isCertain: member.name.hasSuffix(".pkl"))
    }
    if let fault = members.fault {
      report.isUnreadable = true
      report.findings.append(fault)
    }
  }

  /// Scans a member of torch 0.1's tar: pickles between other data.
  private mutating func scanTorchTar(
    _ target: ScanTarget,
    _ name: String
  ) throws -> Bool {
    guard ["sys_info", "pickle", "storages", "tensors"].contains(name) else {
      return false
    }
    let source = try target.source()
    var walk = TorchTarWalk(target, source, isTensors: name == "tensors")
    while let start = walk.nextPickle() {
      let (pickle, _) = inspection.inspect(
        source,
        at: start,
        location: target.location
      )
      report.pickles.append(pickle)
      guard pickle.failure == nil,
        report.pickles.count < Self.maxPickles
      else { break }
      walk.passed(pickle.offset + pickle.byteCount, isMember: name)
    }
    return true
  }

  /// Scans a NumPy array: one of objects is a pickle behind its header.
  private mutating func scanArray(
    _ target: ScanTarget,
    _ head: [UInt8]
  ) throws {
    guard head.count >= 12 else { return }
    let isLong = head[6] >= 2
    let length =
      isLong
      ? Int(head[8]) | Int(head[9]) << 8 | Int(head[10]) << 16
        | Int(head[11]) << 24
      : Int(head[8]) | Int(head[9]) << 8
    let start = isLong ? 12 : 10
    let (end, _) = start.addingReportingOverflow(length)
    guard end <= target.count else { return }
    let text = try unsafe target.withUnsafeBytes {
      unsafe String(decoding: $0[start..<end], as: UTF8.self)
    }
    // Python reads the header as a literal: a dtype may be spelt in many ways,
    // `object` and `'\\x4f'` among them.
    let mayHoldObjects =
      text.contains("O") || text.contains("obj") || text.contains("\\")
    guard mayHoldObjects else {
      try scanPickles(
        target.dropFirst(end),
        isCertain: false,
        isData: true
      )
      return
    }
    let source = try target.source()
    report.pickles.append(
      inspection.inspect(source, at: end, location: target.location).pickle
    )
  }
}
