internal import OrderedCollections
package import Tensors

/// How many bytes tensors may repeat of their storages where they are read.
///
/// Any number of tensors may have the same bytes, and strides of 0 repeat them:
/// a file of 100 KB can name terabytes, which somebody would have to read.
struct RepeatLimit: Sendable {
  /// The bytes for each byte of the files.
  let ratio: Int
  /// The bytes of the file that was opened, without others that it names.
  let fileSize: Int

  init(_ options: ReadOptions, for input: CheckpointInput) {
    ratio = max(1, options.maxInflationRatio)
    fileSize = input.file?.count ?? 0
  }

  /// The most bytes, where storages lie in other files of this size.
  func mostBytes(mapped size: Int) -> Int {
    let (all, isHuge) = fileSize.addingReportingOverflow(size)
    let (most, overflow) = all.multipliedReportingOverflow(by: ratio)
    return isHuge || overflow ? .max : max(most, 64 << 20)
  }
}

extension Checkpoint {
  /// Checks that the tensors' elements are not far more than the file holds.
  ///
  /// - Throws: ``CheckpointError`` where the tensors repeat more bytes of their
  ///   storages than the options of reading allow.
  package func checkRepeats() throws(CheckpointError) {
    try checkRepeats(of: tensors.values)
  }

  /// Checks some of the tensors.
  ///
  /// - Parameter tensors: The tensors that will be read.
  /// - Throws: As ``checkRepeats()`` does.
  package func checkRepeats(
    of tensors: some Sequence<Tensor>
  ) throws(CheckpointError) {
    guard let repeatLimit else { return }
    var stored: [ObjectIdentifier: Int] = [:]
    var mapped: [ObjectIdentifier: Int] = [:]
    var bytes = 0
    var isTooMuch = false
    func add(_ tensor: Tensor) {
      guard !tensor.storage.isMeta else { return }
      stored[ObjectIdentifier(tensor.storage)] = tensor.storage.byteCount
      if let file = tensor.storage.mappedFile {
        mapped[ObjectIdentifier(file)] = file.count
      }
      let (sum, overflow) = bytes.addingReportingOverflow(tensor.byteCount)
      bytes = sum
      isTooMuch = isTooMuch || overflow
    }
    for tensor in tensors {
      add(tensor)
      if case .perChannel(let scales, let zeros, _, _) = tensor.quantization {
        add(scales)
        add(zeros)
      }
    }
    // No overflow: all of the storages and files are there.
    let repeated = bytes &- stored.values.reduce(0, &+)
    let most = repeatLimit.mostBytes(mapped: mapped.values.reduce(0, &+))
    guard !isTooMuch, repeated <= most else {
      throw CheckpointError(
        .limit,
        "the tensors repeat more than \(most) bytes of their storages, though "
          + "the file is small",
        file: path,
        hint: "if you trust the file, raise the limit: --max-ratio "
          + "(pth convert takes it)"
      )
    }
  }
}

extension FormatID {
  /// Whether its files have storages, which tensors share, and not each
  /// tensor's elements.
  var keepsStorages: Bool {
    switch self {
    case .pytorchZip, .pytorchLegacy, .pytorchTar, .torchScript,
      .pytorchSharded:
      true
    case .dcp, .safetensors, .npz, .npy, .idx, .gguf, .onnx, .csv: false
    }
  }
}
