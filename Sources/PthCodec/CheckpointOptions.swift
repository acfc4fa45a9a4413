public import Pickle
public import Tensors

/// Limits and wishes for reading.
public struct ReadOptions: Sendable {
  /// How much one pickle may ask for.
  public var pickle: PickleLimits

  /// The most bytes that one compressed record may become.
  public var maxInflatedSize: Int

  /// How many times larger than its compressed bytes a record may become that
  /// is larger than 64 MiB; a fifth of that for a pickle or a gzip file of more
  /// than 16 MiB.
  public var maxInflationRatio: Int

  /// Whether the CRC-32 of each record is checked when it is read.
  public var checksCRC: Bool

  /// Whether what stands before each storage in a zip archive is compared with
  /// the directory at once; if not, when the storage's bytes are asked for.
  public var checksHeaders: Bool

  /// Makes options.
  ///
  /// - Parameters:
  ///   - pickle: How much one pickle may ask for.
  ///   - maxInflatedSize: The most bytes of one inflated record.
  ///   - maxInflationRatio: The largest ratio of inflated to compressed bytes.
  ///   - checksCRC: Whether CRCs are checked.
  ///   - checksHeaders: Whether local headers are looked at early.
  public init(
    pickle: PickleLimits = PickleLimits(maxNodes: 200_000_000),
    maxInflatedSize: Int = 1 << 34,
    maxInflationRatio: Int = 500,
    checksCRC: Bool = false,
    checksHeaders: Bool = false
  ) {
    self.pickle = pickle
    self.maxInflatedSize = maxInflatedSize
    self.maxInflationRatio = maxInflationRatio
    self.checksCRC = checksCRC
    self.checksHeaders = checksHeaders
  }
}

extension ReadOptions {
  /// The limits of these options that concern archives.
  package var archiveLimits: ArchiveLimits {
    ArchiveLimits(
      maximumInflatedBytes: maxInflatedSize,
      maximumInflationRatio: maxInflationRatio
    )
  }
}

/// How a checkpoint is written.
public struct WriteOptions: Sendable {
  /// The archive's layout; nil keeps the source's, or takes torch2.
  public var layout: TorchLayout?

  /// The pickle protocol, 2 to 5; nil keeps the source's, or takes 2.
  public var pickleProtocol: Int?

  /// Whether an existing file may be replaced.
  public var replacesExisting: Bool

  /// Whether what the target can't hold is left out.
  public var allowsLoss: Bool

  /// What is done about a power failure before the file counts as written.
  public var durability: AtomicFile.Durability

  /// Told from time to time how many of how many bytes are written.
  public var progress: ProgressHandler?

  /// Settings of single formats, such as `scale` for IDX, by name.
  public var settings: [String: String]

  /// Makes options.
  ///
  /// - Parameters:
  ///   - layout: The archive's layout.
  ///   - pickleProtocol: The pickle protocol.
  ///   - replacesExisting: Whether an existing file may be replaced.
  ///   - allowsLoss: Whether what the target can't hold is left out.
  ///   - durability: What is done about a power failure.
  ///   - settings: Settings of single formats by name.
  ///   - progress: Told how many of how many bytes are written.
  public init(
    layout: TorchLayout? = nil,
    pickleProtocol: Int? = nil,
    replacesExisting: Bool = true,
    allowsLoss: Bool = false,
    durability: AtomicFile.Durability = .synchronized,
    settings: [String: String] = [:],
    progress: ProgressHandler? = nil
  ) {
    self.layout = layout
    self.pickleProtocol = pickleProtocol
    self.replacesExisting = replacesExisting
    self.allowsLoss = allowsLoss
    self.durability = durability
    self.settings = settings
    self.progress = progress
  }
}

/// Is told, from any thread, how many of how many bytes are done.
public typealias ProgressHandler =
  @Sendable (_ done: Int, _ total: Int) -> Void
