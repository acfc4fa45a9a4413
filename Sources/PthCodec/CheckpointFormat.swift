public import Pickle
public import Tensors

/// A file format: adding one is one file with a conforming type, and one line
/// in ``FormatRegistry``.
public protocol CheckpointFormat: Sendable {
  /// The format's names, suffixes and abilities.
  var descriptor: FormatDescriptor { get }

  /// Whether the input's content looks like this format.
  ///
  /// - Parameter input: A file or a folder.
  /// - Returns: True where ``read(_:options:)`` is the reader to ask; it may
  ///   still find the file damaged.
  func recognizes(_ input: CheckpointInput) -> Bool

  /// Reads an input.
  ///
  /// - Parameters:
  ///   - input: A file or a folder.
  ///   - options: Limits and wishes.
  /// - Returns: Everything in it; tensors lie in the mapped file where they
  ///   can.
  /// - Throws: ``CheckpointError`` or `FileError`.
  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint

  /// What writing would lose.
  ///
  /// - Parameters:
  ///   - checkpoint: What would be written.
  ///   - options: How it would be written.
  /// - Returns: One entry for each tensor or value that can't be kept.
  func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss]

  /// Writes a checkpoint, all or nothing.
  ///
  /// The caller has asked for ``losses(writing:options:)`` before.
  ///
  /// - Parameters:
  ///   - checkpoint: What to write.
  ///   - path: The file or folder.
  ///   - options: How to write it.
  /// - Throws: ``CheckpointError`` or `FileError`; the old file is untouched.
  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws
}

extension CheckpointFormat {
  public func recognizes(_ input: CheckpointInput) -> Bool { false }

  public func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    throw CheckpointError(
      .unsupported,
      "\(descriptor.id.rawValue) files can't be read",
      file: input.path
    )
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] { [] }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    throw CheckpointError(
      .unsupported,
      "\(descriptor.id.rawValue) files can be read but not written",
      file: path,
      hint: "choose another format with --to"
    )
  }
}

/// A tensor or value that a target format can't hold.
public struct ConversionLoss: Sendable, Hashable {
  /// The tensor's name or the value's path.
  public let path: String

  /// What is lost, as a phrase: `no bfloat16 in npy`.
  public let reason: String

  /// Names a loss.
  ///
  /// - Parameters:
  ///   - path: The tensor's name or the value's path.
  ///   - reason: What is lost.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }
}

/// A file or folder to be read.
public struct CheckpointInput: Sendable {
  /// The path as it was given.
  public let path: String

  /// The file's bytes; nil for a folder.
  public let file: MappedFile?

  /// The first bytes, at most 512; empty for a folder.
  public let head: [UInt8]

  /// The directory of a zip archive, read once for all who ask.
  let zip: ZipMemo

  /// Opens a file, or takes a folder as it is.
  ///
  /// - Parameter path: The path of a file or folder.
  /// - Throws: `FileError` for what can't be opened.
  public init(_ path: String) throws(FileError) {
    self.path = path
    do {
      let file = try MappedFile.open(path)
      self.file = file
      head = unsafe file.withUnsafeBytes { unsafe Array($0.prefix(512)) }
    } catch let error where error.isFolder {
      file = nil
      head = []
    }
    zip = ZipMemo(file)
  }

  /// The last part of the path.
  public var fileName: String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The mapped file, for a format whose checkpoints are files.
  ///
  /// - Returns: The file.
  /// - Throws: ``CheckpointError`` for a folder.
  public func mappedFile() throws(CheckpointError) -> MappedFile {
    guard let file else {
      throw CheckpointError(
        .unknownFormat,
        "it is a folder, not a file",
        file: path
      )
    }
    return file
  }
}

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
