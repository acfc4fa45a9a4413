internal import OrderedCollections
internal import Tensors

/// Lists what a format can't hold, the same way for every format.
struct LossReport {
  let format: String
  private let keepsColumns: Bool
  private(set) var losses: [ConversionLoss] = []

  private static let longestName = 200

  /// Starts a list for a format, by the name in its reasons.
  init(_ format: FormatID) {
    self.format = format.rawValue
    // NumPy's arrays may lie column by column.
    keepsColumns = format == .npy || format == .npz
  }

  /// Adds one loss.
  mutating func add(_ path: String, _ reason: String) {
    losses.append(ConversionLoss(path: path, reason: reason))
  }

  /// Adds the values that are not tensors, and an archive's own records.
  mutating func addValues(of checkpoint: Checkpoint) {
    addRecords(of: checkpoint)
    // Hundreds of thousands of values have a few types.
    var reasons: [String: String] = [:]
    for value in checkpoint.values {
      let reason =
        reasons[value.type] ?? "\(format) holds tensors only, no \(value.type)"
      reasons[value.type] = reason
      add(value.path, reason)
    }
  }

  /// Adds the modules' versions, as one entry.
  mutating func addModuleVersions(of checkpoint: Checkpoint) {
    addModuleVersions(checkpoint.moduleVersions, at: "_metadata")
  }

  /// Adds an archive's records that are neither pickle nor storage.
  mutating func addRecords(of checkpoint: Checkpoint) {
    // A compiled module's are its code.
    guard checkpoint.format != .torchScript else { return }
    for name in checkpoint.pickled?.archive?.otherNames ?? [] {
      add(name, "\(format) has no place for the archive's record")
    }
  }

  /// Adds the source format's own texts.
  mutating func addTexts(of checkpoint: Checkpoint) {
    for (key, text) in checkpoint.metadata
    where !isMark(key, text, of: checkpoint.format) {
      add(key, "\(format) has no place for texts")
    }
  }

  /// Whether a text only says that the file is PyTorch's, or this package's.
  private func isMark(
    _ key: String,
    _ text: String,
    of source: FormatID
  ) -> Bool {
    switch source {
    case .safetensors: key == "format"
    case .gguf:
      // The writer's version of blocks, which are numbers once they are read.
      key == "general.architecture" && text == "pth"
        || key == "general.quantization_version"
    default: false
    }
  }

  /// Adds what is lost of an object that has no pickle, or code beside it; of
  /// one that has, what stands beside it in an archive.
  mutating func addUnpickled(of checkpoint: Checkpoint) {
    if checkpoint.pickled == nil || checkpoint.format == .torchScript {
      addValues(of: checkpoint)
      addTexts(of: checkpoint)
    } else if format != FormatID.pytorchZip.rawValue {
      addRecords(of: checkpoint)
    }
    if checkpoint.format == .torchScript {
      add("code", "a state dict has no code")
    }
  }

  /// Adds what makes a tensor more than its elements.
  mutating func addTensorTraits(of checkpoint: Checkpoint) {
    for (name, tensor) in checkpoint.tensors {
      if tensor.requiresGrad {
        add(name, "\(format) does not keep requires_grad")
      }
      if tensor.device != "cpu", !tensor.storage.isMeta {
        add(name, "\(format) does not keep the device \(tensor.device)")
      }
      if tensor.quantization != nil {
        add(name, "\(format) has no scale and zero point")
      }
      if !keepsOrder(of: tensor.layout) {
        add(
          name,
          "\(format) does not keep the strides \(tensor.layout.strides)"
        )
      }
    }
    addSharing(of: checkpoint)
  }

  private func keepsOrder(of layout: Layout) -> Bool {
    layout.isContiguous || keepsColumns && layout.isColumnMajor
  }

  /// Adds tensors whose elements another tensor has too.
  private mutating func addSharing(of checkpoint: Checkpoint) {
    var views: [ObjectIdentifier: [(name: String, range: Range<Int>)]] = [:]
    for (name, tensor) in checkpoint.tensors where tensor.elementCount > 0 {
      // Bits, since views of one storage may differ in dtype.
      let bits = tensor.dtype.bitsPerElement
      let (start, overflow) = tensor.layout.offset
        .multipliedReportingOverflow(by: bits)
      let (end, tooFar) = tensor.layout.extent
        .multipliedReportingOverflow(by: bits)
      guard !overflow, !tooFar else { continue }
      views[ObjectIdentifier(tensor.storage), default: []]
        .append((name, start..<end))
    }
    var partners: [String: String] = [:]
    for var group in views.values where group.count > 1 {
      group.sort { $0.range.lowerBound < $1.range.lowerBound }
      var farthest = group[0]
      for view in group.dropFirst() {
        if view.range.lowerBound < farthest.range.upperBound {
          partners[view.name] = farthest.name
        }
        if view.range.upperBound > farthest.range.upperBound { farthest = view }
      }
    }
    for name in checkpoint.tensors.keys {
      guard var partner = partners[name] else { continue }
      if partner.utf8.count > Self.longestName {
        // One long name may be the partner of thousands.
        partner = partner.prefix(80) + "..." + partner.suffix(80)
      }
      add(name, "\(format) does not keep that it shares memory with \(partner)")
    }
  }

  /// Adds everything but the tensors' elements.
  mutating func addAllButElements(of checkpoint: Checkpoint) {
    addTensorTraits(of: checkpoint)
    addValues(of: checkpoint)
    addObject(of: checkpoint)
    addModuleVersions(of: checkpoint)
    addTexts(of: checkpoint)
  }

  /// Adds tensors whose dtype the format lacks.
  mutating func addDTypes(
    of checkpoint: Checkpoint,
    held: (DType) -> Bool
  ) {
    for (name, tensor) in checkpoint.tensors where !held(tensor.dtype) {
      add(name, "\(format) has no \(tensor.dtype)")
    }
  }

  /// Adds tensors without data.
  mutating func addMeta(of checkpoint: Checkpoint) {
    for (name, tensor) in checkpoint.tensors where tensor.storage.isMeta {
      add(name, "a meta tensor has no data to write")
    }
  }
}
