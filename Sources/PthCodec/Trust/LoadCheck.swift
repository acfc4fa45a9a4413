internal import Pickle
internal import Tensors

/// How a file is to be loaded.
public struct LoadOptions: Sendable {
  /// The version of PyTorch.
  public var target: TorchTarget

  /// Whether `torch.load` is called with `weights_only=True`.
  public var weightsOnly: Bool

  /// Whether `torch.load` is called with `mmap=True`.
  public var mmap: Bool

  /// How much memory and how many steps the file may ask for.
  public var reading: ReadOptions

  /// Makes options.
  ///
  /// - Parameters:
  ///   - target: The version of PyTorch.
  ///   - weightsOnly: Whether `weights_only=True` is given.
  ///   - mmap: Whether `mmap=True` is given.
  ///   - reading: How much memory and how many steps the file may ask for.
  public init(
    _ target: TorchTarget,
    weightsOnly: Bool = false,
    mmap: Bool = false,
    reading: ReadOptions = ReadOptions()
  ) {
    self.target = target
    self.weightsOnly = weightsOnly
    self.mmap = mmap
    self.reading = reading
  }
}

/// Whether a file will load.
public struct LoadReport: Sendable {
  /// The path as it was given.
  public let file: String

  /// What keeps the file from loading (errors), what it needs or does when it
  /// is loaded (warnings), in the order in which PyTorch would meet it.
  public internal(set) var findings: [Finding] = []

  /// Whether `torch.load` gives the object, provided that the modules that the
  /// warnings name are there.
  public var loads: Bool {
    findings.allSatisfy { $0.severity != .error }
  }
}

/// Tells whether a version of PyTorch will load a file.
///
/// The rules are those of torch's own readers: the archive's, the pickle
/// module's and the weights-only unpickler's.
public enum LoadCheck {
  /// Checks a file.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - options: How it is to be loaded.
  /// - Returns: What keeps it from loading.
  /// - Throws: `FileError` for what can't be opened, ``CheckpointError`` for
  ///   what is no PyTorch file.
  public static func check(
    _ path: String,
    options: LoadOptions
  ) throws -> LoadReport {
    let input = try CheckpointInput(path)
    let file = try input.mappedFile()
    var run = LoadRun(
      LoadReport(file: path),
      options,
      fileSize: file.count
    )
    if Zip.recognizes(input.head) {
      run.checkArchive(file)
    } else if TarMembers.recognizes(input.head) {
      run.checkTar(file)
    } else if input.head.first == 0x80 {
      run.checkLegacy(file)
    } else {
      let format = try FormatRegistry.reader(for: input, as: nil).descriptor
      throw CheckpointError(
        .unsupported,
        "it is a \(format.id.rawValue) file, which torch.load does not read",
        file: path,
        hint: "`pth convert` makes a checkpoint of it"
      )
    }
    run.checkMapping(isArchive: input.head.first == 0x50)
    return run.report
  }
}

/// One check: what was found so far.
struct LoadRun {
  var report: LoadReport
  let options: LoadOptions
  let table: TorchVersionTable
  private let fileSize: Int

  init(_ report: LoadReport, _ options: LoadOptions, fileSize: Int) {
    self.fileSize = fileSize
    self.report = report
    self.options = options
    table = TorchVersionTable(options.target)
  }

  mutating func add(
    _ severity: Finding.Severity,
    _ code: String,
    record: String? = nil,
    offset: Int? = nil,
    keyPath: String? = nil,
    _ message: String
  ) {
    report.findings.append(
      Finding(
        severity,
        code,
        record: record,
        offset: offset,
        keyPath: keyPath,
        message
      )
    )
  }

  mutating func checkMapping(isArchive: Bool) {
    guard options.mmap else { return }
    if options.target == .torch1 {
      add(.error, "no-mmap", "torch 1.13 has no argument mmap")
    } else if !isArchive {
      add(.error, "no-mmap", "mmap=True takes zip archives only")
    }
  }

  /// Decodes a pickle and checks it.
  ///
  /// - Returns: The graph, nil where the pickle can't be read.
  mutating func checkPickle(
    _ source: PickleSource,
    at start: Int,
    record: String?,
    role: PickleLoadCheck.Role = .archive
  ) -> PickleGraph? {
    let partial = Unpickler.decodePermissively(
      source,
      at: start,
      limits: options.reading.pickle.within(fileSize: fileSize, isBuilt: false),
      // The weights-only unpickler does not mind.
      takesAnyProtocol: options.weightsOnly
    )
    let check = PickleLoadCheck(
      source,
      partial,
      start: start,
      record: record,
      role: role,
      options: options,
      table: table
    )
    report.findings += check.findings()
    return partial.failure == nil ? partial.graph : nil
  }

  // MARK: Other containers

  /// Checks the pickles of a legacy file.
  mutating func checkLegacy(_ file: MappedFile) {
    guard let storage = try? Storage(mapping: file, range: 0..<file.count),
      let source = try? ScanTarget(storage, location: "").source()
    else { return }
    var start = 0
    var isReadable = true
    for number in 0..<LegacyFile.pickleCount {
      guard
        let graph = checkPickle(
          source,
          at: start,
          record: nil,
          role: number == 3 ? .legacy : .other
        )
      else { return }
      if number == 0 {
        guard PickleInspection.isLegacyMagic(graph) else {
          return add(
            .error,
            "bad-magic",
            offset: 0,
            "the first pickle is not the number that opens PyTorch's files"
          )
        }
      }
      if number == 1, graph.int(graph.root) != LegacyFile.protocolVersion {
        return add(
          .error,
          "bad-protocol",
          offset: start,
          "the protocol version should be \(LegacyFile.protocolVersion)"
        )
      }
      start = graph.endOffset
      isReadable = isReadable && graph.protocolVersion <= 5
    }
    guard isReadable else {
      return add(
        .warning,
        "unknown-protocol",
        "a pickle is of a protocol that does not exist, which "
          + "weights_only=True does not mind; the storages are not checked"
      )
    }
    checkByReading(file)
  }

  /// Checks torch 0.1's tar.
  mutating func checkTar(_ file: MappedFile) {
    if options.weightsOnly, options.target == .torch2 {
      add(
        .error,
        "weights-only-tar",
        "weights_only=True does not take torch 0.1's tar files"
      )
    }
    checkTarPickles(file)
    guard !TarDirectory.lacksOnlyItsEnd(file, with: Self.tarMembers) else {
      return add(
        .warning,
        "truncated",
        "the tar archive has no end, which Python does without; the storages "
          + "are not checked"
      )
    }
    checkByReading(file)
  }

  private static let tarMembers = ["storages", "tensors", "pickle"]

  private mutating func checkTarPickles(_ file: MappedFile) {
    guard let storage = try? Storage(mapping: file, range: 0..<file.count)
    else { return }
    let target = ScanTarget(storage, location: "")
    var members = TarMembers(target)
    while let member = try? members.next() {
      guard Self.tarMembers.contains(member.name) else { continue }
      let part = target.part(member.range, location: member.name)
      guard let source = try? part.source() else { return }
      var walk = TorchTarWalk(part, source, isTensors: member.name == "tensors")
      while let start = walk.nextPickle() {
        guard
          let graph = checkPickle(
            source,
            at: start,
            record: member.name,
            role: .other
          )
        else { return }
        walk.passed(graph.endOffset, isMember: member.name)
        // The object is one pickle; what follows it is not read.
        if member.name == "pickle" { break }
      }
    }
  }

  /// Leaves the storages to this package's own reader.
  private mutating func checkByReading(_ file: MappedFile) {
    guard report.loads, let input = try? CheckpointInput(file.path),
      let reader = try? FormatRegistry.reader(for: input, as: nil)
    else { return }
    do {
      _ = try reader.read(input, options: options.reading)
    } catch let error as CheckpointError {
      // What this package can't read PyTorch may: it takes its storages' names
      // from any module.
      report.findings.append(
        Finding(
          error,
          severity: error.code == .unsupported ? .warning : .error
        )
      )
    } catch {
      add(.error, "unreadable", "\(error)")
    }
  }
}
