internal import Tensors

/// What ``FileVerifier`` is to look at beside the form of a file.
public struct VerifyOptions: Sendable {
  /// Whether NaN and infinite elements are looked for.
  public var checksFinite: Bool

  /// How much memory and how many steps a file may ask for.
  public var reading: ReadOptions

  /// Told from time to time how many of how many bytes are checked.
  public var progress: ProgressHandler?

  /// Makes options.
  ///
  /// - Parameters:
  ///   - checksFinite: Whether NaN and infinite elements are looked for.
  ///   - reading: How much memory and how many steps a file may ask for.
  ///   - progress: Told how many of how many bytes are checked.
  public init(
    checksFinite: Bool = false,
    reading: ReadOptions = ReadOptions(),
    progress: ProgressHandler? = nil
  ) {
    self.checksFinite = checksFinite
    self.reading = reading
    self.progress = progress
  }
}

/// What is wrong with a file.
public struct VerifyReport: Sendable {
  /// The path as it was given.
  public let file: String

  /// The file's format.
  public let format: FormatID

  /// Everything found, the container's faults before those of its content.
  public let findings: [Finding]

  /// Whether there is nothing worse than notes.
  public var isSound: Bool {
    findings.allSatisfy { $0.severity == .note }
  }
}

/// Checks what PyTorch does not: sums, names, bounds and sizes.
public enum FileVerifier {
  /// Verifies a file or folder.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - options: What to look at.
  /// - Returns: The findings; none where the file is as it should be.
  /// - Throws: `FileError` for what can't be opened, ``CheckpointError`` for
  ///   what is no checkpoint at all.
  public static func verify(
    _ path: String,
    options: VerifyOptions = VerifyOptions()
  ) throws -> VerifyReport {
    let input = try CheckpointInput(path)
    let format = try format(of: input)
    let findings: [Finding]
    switch format {
    case .pytorchZip, .torchScript:
      findings = try verifyArchive(input, format: format, options: options)
    case .npz:
      let archive = try ZipVerifier.findings(
        ArchiveBytes(input.mappedFile()),
        isCheckpoint: false,
        limits: options.reading.archiveLimits,
        progress: options.progress
      )
      findings =
        archive + verifyByReading(input, options, isCovered: !archive.isEmpty)
    default:
      findings = verifyByReading(input, options)
    }
    return VerifyReport(
      file: path,
      format: format,
      findings: findings.capped
    )
  }

  /// A zip archive that is nothing else is taken for a checkpoint: a damaged
  /// one often can't show what it was.
  private static func format(
    of input: CheckpointInput
  ) throws -> FormatID {
    do {
      return try FormatRegistry.reader(for: input, as: nil).descriptor.id
    } catch let error {
      if Zip.recognizes(input.head) {
        return .pytorchZip
      }
      if let file = input.file, let directory = try? ZipDirectory(file),
        !directory.records.isEmpty
      {
        return .pytorchZip
      }
      throw error
    }
  }

  private static func verifyArchive(
    _ input: CheckpointInput,
    format: FormatID,
    options: VerifyOptions
  ) throws -> [Finding] {
    let file = try input.mappedFile()
    var findings = ZipVerifier.findings(
      ArchiveBytes(file),
      isCheckpoint: true,
      limits: options.reading.archiveLimits,
      progress: options.progress
    )
    guard
      let reader = try? ArchiveReader(
        file,
        limits: options.reading.archiveLimits
      )
    else { return findings }
    let content = ArchiveContentVerifier(
      reader,
      isScript: format == .torchScript,
      options: options.reading
    )
    findings += content.findings()
    if options.checksFinite, findings.allSatisfy({ $0.severity != .error }) {
      findings += try nonFinite(input, options)
    }
    return findings
  }

  /// Leaves the checks to the format's reader; `isCovered` tells that what
  /// makes reading fail has been found already.
  private static func verifyByReading(
    _ input: CheckpointInput,
    _ options: VerifyOptions,
    isCovered: Bool = false
  ) -> [Finding] {
    var reading = options.reading
    reading.checksCRC = true
    do {
      var checkpoint = try FormatRegistry.reader(for: input, as: nil)
        .read(input, options: reading)
      checkpoint.repeatLimit = RepeatLimit(reading, for: input)
      var findings = TensorContent.unreadable(checkpoint)
      if options.checksFinite, findings.isEmpty {
        findings = try TensorContent.nonFinite(checkpoint)
      }
      return findings
    } catch let error as CheckpointError {
      return isCovered ? [] : [Finding(error)]
    } catch let error as ArchiveError {
      return isCovered ? [] : [Finding(error)]
    } catch {
      return [Finding(.error, "unreadable", "\(error)")]
    }
  }

  private static func nonFinite(
    _ input: CheckpointInput,
    _ options: VerifyOptions
  ) throws -> [Finding] {
    var checkpoint = try FormatRegistry.reader(for: input, as: nil)
      .read(input, options: options.reading)
    checkpoint.repeatLimit = RepeatLimit(options.reading, for: input)
    return try TensorContent.nonFinite(checkpoint)
  }
}

extension [Finding] {
  /// As many findings as anybody reads, and a note about the others.
  var capped: [Finding] {
    let most = 1000
    guard count > most else { return self }
    let rest = Finding(
      self[most...].contains { $0.severity == .error } ? .error : .note,
      "more-findings",
      "\(count - most) further findings are not shown"
    )
    return prefix(most) + [rest]
  }
}
