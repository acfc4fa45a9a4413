public import OrderedCollections
public import Tensors

/// What a checkpoint file holds: tensors by name, other values by path.
///
/// Opening reads the pickle and the directory, not the tensors: their bytes
/// stay in the mapped file until they are asked for.
///
/// ```swift
/// let checkpoint = try Checkpoint.open("hw7_21307303_liuzhuoyi.pth")
/// let weight = try checkpoint.tensor("fc.4.weight").elements(as: Float.self)
/// ```
public struct Checkpoint: Sendable {
  /// The file's format.
  public var format: FormatID

  /// What holds where the tensors are read; nil for a checkpoint that was made
  /// in memory.
  var repeatLimit: RepeatLimit?

  /// The path that was opened; nil for a checkpoint made in memory.
  public var path: String?

  /// The byte order of the file's storages; tensors have the machine's.
  public var byteOrder: ByteOrder

  /// The tensors by name, in the file's order.
  ///
  /// A name is the path through the object, joined by dots; a bare tensor is
  /// named `data`. You may replace tensors, remove them and add others: where
  /// the checkpoint is more than its tensors, the object changes with them
  /// when it is saved or edited, or ``CheckpointError`` says why it can't.
  public var tensors: OrderedDictionary<String, Tensor> {
    get { deferredTensors.value }
    _modify {
      isStale = true
      var changed = deferredTensors.value
      // Else the dictionary would be shared, and copied for each change.
      deferredTensors = Self.noTensors
      defer { deferredTensors = Deferred(ready: changed) }
      yield &changed
    }
  }

  private var deferredTensors: Deferred<OrderedDictionary<String, Tensor>>

  private static let noTensors = Deferred<OrderedDictionary<String, Tensor>>(
    ready: [:]
  )

  /// The values that are not tensors, in the file's order.
  ///
  /// Those of a PyTorch file show its object: you can drop them with
  /// ``dropping(_:)-(String...)``, but not change them here.
  public var values: [CheckpointValue] {
    didSet { isStale = true }
  }

  /// The modules' versions in a state dict's `_metadata`, by path.
  ///
  /// As with ``values``, those of a PyTorch file can't be changed here.
  public var moduleVersions: OrderedDictionary<String, Int> {
    didSet { isStale = true }
  }

  /// The format's own texts, such as the `__metadata__` of safetensors.
  public var metadata: OrderedDictionary<String, String>

  /// The pickle and its container, for writing back without loss; nil where
  /// the file has no pickle.
  var pickled: PickledContent? {
    didSet {
      shown = pickled.map { _ in
        Shown(deferredTensors, values, moduleVersions)
      }
      isStale = false
    }
  }

  /// Sets the pickle; an initializer would not call the observer.
  mutating func setObject(_ content: PickledContent) { pickled = content }

  /// What the pickle holds, as it was shown; nil without a pickle.
  private(set) var shown: Shown?

  /// Whether something was changed that the pickle does not know yet.
  private(set) var isStale = false

  /// The parts of an object that can be changed beside it.
  struct Shown: Sendable {
    private let deferredTensors: Deferred<OrderedDictionary<String, Tensor>>
    let values: [CheckpointValue]
    let moduleVersions: OrderedDictionary<String, Int>

    var tensors: OrderedDictionary<String, Tensor> { deferredTensors.value }

    fileprivate init(
      _ tensors: Deferred<OrderedDictionary<String, Tensor>>,
      _ values: [CheckpointValue],
      _ moduleVersions: OrderedDictionary<String, Int>
    ) {
      deferredTensors = tensors
      self.values = values
      self.moduleVersions = moduleVersions
    }
  }

  /// Makes a checkpoint of tensors and values.
  ///
  /// - Parameters:
  ///   - format: The format that it comes from.
  ///   - tensors: The tensors by name.
  ///   - values: The other values.
  ///   - moduleVersions: The modules' versions by path.
  ///   - metadata: The format's own texts.
  public init(
    format: FormatID,
    tensors: OrderedDictionary<String, Tensor>,
    values: [CheckpointValue] = [],
    moduleVersions: OrderedDictionary<String, Int> = [:],
    metadata: OrderedDictionary<String, String> = [:]
  ) {
    self.format = format
    deferredTensors = Deferred(ready: tensors)
    self.values = values
    self.moduleVersions = moduleVersions
    self.metadata = metadata
    byteOrder = .little
  }

  /// Makes a checkpoint of a pickle and what a walk has found in it.
  init(_ content: PickledContent, walk: ObjectWalk, as format: FormatID) {
    let found = walk.found
    let tensors = Deferred { found.byName() }
    self.format = format
    deferredTensors = tensors
    values = walk.values
    moduleVersions = walk.moduleVersions
    metadata = [:]
    byteOrder = .little
    var content = content
    content.deferredNodes = Deferred { found.nodes(of: tensors.value) }
    setObject(content)
  }

  /// Makes a checkpoint of a state dict.
  ///
  /// - Parameter stateDict: The tensors and modules' versions.
  public init(_ stateDict: StateDict) {
    self.init(
      format: .pytorchZip,
      tensors: stateDict.tensors,
      moduleVersions: stateDict.moduleVersions
    )
  }

  /// Makes a checkpoint that is one bare tensor, as the course's datasets are.
  ///
  /// - Parameter tensor: The tensor.
  public init(_ tensor: Tensor) {
    self.init(format: .pytorchZip, tensors: [Self.bareTensorName: tensor])
  }

  /// The name of a tensor that is the whole checkpoint.
  public static let bareTensorName = "data"
}

extension Checkpoint {
  /// Opens a file or folder, whatever its format.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - format: The format; nil finds out by the content.
  ///   - options: Limits and wishes.
  /// - Returns: The checkpoint.
  /// - Throws: `FileError` for what can't be opened, ``CheckpointError`` for
  ///   what can't be understood.
  public static func open(
    _ path: String,
    as format: FormatID? = nil,
    options: ReadOptions = ReadOptions()
  ) throws -> Checkpoint {
    let input = try CheckpointInput(path)
    let reader = try FormatRegistry.reader(for: input, as: format)
    do {
      var checkpoint = try reader.read(input, options: options)
      checkpoint.path = path
      checkpoint.repeatLimit = RepeatLimit(options, for: input)
      return checkpoint
    } catch let error as CheckpointError {
      throw error.located(file: path)
    }
  }

  /// The tensor called `name`.
  ///
  /// - Parameter name: The path through the object, joined by dots.
  /// - Returns: The tensor.
  /// - Throws: ``CheckpointError`` with the nearest name where there is none.
  public func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    if let tensor = tensors[name] { return tensor }
    throw CheckpointError(
      .mismatch,
      "there is no tensor named \(name)",
      file: path,
      hint: NameDistance.nearest(to: name, in: tensors.keys)
        .map { "the nearest name is \($0)" }
    )
  }

  /// The tensors and the modules' versions.
  public var stateDict: StateDict {
    StateDict(tensors, moduleVersions: moduleVersions)
  }

  /// Writes the checkpoint, all or nothing.
  ///
  /// - Parameters:
  ///   - path: The file or folder; its suffix names the format.
  ///   - format: The format; nil takes the suffix's.
  ///   - options: How to write.
  /// - Throws: ``CheckpointError`` where the format can't hold everything and
  ///   `options` do not allow a loss; `FileError` where writing fails. The old
  ///   file is untouched then.
  public func save(
    to path: String,
    as format: FormatID? = nil,
    options: WriteOptions = WriteOptions()
  ) throws {
    if needsUpdate {
      return try updated().save(to: path, as: format, options: options)
    }
    let writer = try FormatRegistry.writer(forPath: path, as: format)
    let losses =
      options.allowsLoss ? [] : writer.losses(writing: self, options: options)
    if let first = losses.first {
      throw CheckpointError(
        .lossy,
        losses.count == 1
          ? first.reason
          : "\(writer.descriptor.id.rawValue) can't keep everything: "
            + losses.prefix(10).map { "\($0.path): \($0.reason)" }
            .joined(separator: "; ")
            + (losses.count > 10 ? "; and \(losses.count - 10) more" : ""),
        file: path,
        keyPath: losses.count == 1 ? first.path : nil,
        hint: "--force writes it without "
          + (losses.count == 1 ? "that" : "them")
      )
    }
    if !writer.descriptor.id.keepsStorages { try checkRepeats() }
    do {
      try AtomicFile.reading(mappedFiles) {
        try writer.write(self, to: path, options: options)
      }
    } catch let error as CheckpointError {
      throw error.located(file: path)
    }
  }

  /// The files that the tensors' bytes lie in.
  private var mappedFiles: [MappedFile] {
    var files: [ObjectIdentifier: MappedFile] = [:]
    var last: MappedFile?
    for tensor in tensors.values {
      guard let file = tensor.storage.mappedFile, file !== last else {
        continue
      }
      files[ObjectIdentifier(file)] = file
      last = file
    }
    return Array(files.values)
  }
}
