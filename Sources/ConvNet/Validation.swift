internal import Tensors

/// The mean loss and accuracy over batches, added up as PyTorch's script does:
/// losses in double precision, accuracies in single.
struct BatchMeans {
  private(set) var batches = 0
  private(set) var lastLoss = 0.0
  private var loss = 0.0
  private var accuracy: Float = 0

  mutating func add(loss: Float, correct: Int, of size: Int) {
    batches += 1
    lastLoss = Double(loss)
    self.loss += lastLoss
    accuracy += Float(correct) / Float(size)
  }

  var meanLoss: Double { batches > 0 ? loss / Double(batches) : 0 }

  var meanAccuracy: Float { batches > 0 ? accuracy / Float(batches) : 0 }
}

/// Runs a network in evaluation mode over some images of a dataset, in batches
/// as the script's validation has them.
struct Validation {
  /// Images that are gathered and computed at a time.
  private static let gathered = 512

  let dataset: Dataset
  let batchSize: Int
  let loss: LossKind

  /// `progress` gets the batches done and the last loss, and says whether to
  /// go on; nil is returned where it says no.
  func run(
    _ predictor: Predictor,
    _ indices: [Int],
    progress: (Int, Double) -> Bool
  ) throws(ConvNetError) -> BatchMeans? {
    var means = BatchMeans()
    let batches = indices.count / batchSize
    let group = max(1, Self.gathered / batchSize)
    var first = 0
    while first < batches {
      let last = min(first + group, batches)
      let part = indices[first * batchSize..<last * batchSize]
      let probabilities = try predictor.probabilities(of: gather(part))
      for batch in 0..<last - first {
        let start = part.startIndex + batch * batchSize
        add(
          part[start..<start + batchSize],
          probabilities,
          batch * batchSize,
          to: &means
        )
        guard progress(means.batches, means.lastLoss) else { return nil }
      }
      first = last
    }
    return means
  }

  private func add(
    _ indices: ArraySlice<Int>,
    _ probabilities: [Float],
    _ row: Int,
    to means: inout BatchMeans
  ) {
    let classes = MyConvNet.classCount
    var total = 0.0
    var correct = 0
    for (offset, index) in indices.enumerated() {
      let start = (row + offset) * classes
      let values = probabilities[start..<start + classes]
      let label = Int(dataset.labels[index])
      total += Evaluator.crossEntropy(values, label, loss)
      if Evaluator.largest(values) == label { correct += 1 }
    }
    means.add(
      loss: Float(total / Double(indices.count)),
      correct: correct,
      of: indices.count
    )
  }

  private func gather(
    _ indices: ArraySlice<Int>
  ) throws(ConvNetError) -> PixelSource {
    let length = PixelSource.imageLength
    let side = MyConvNet.imageSize
    let bytes = length * MemoryLayout<Float>.stride
    let storage = unsafe Storage(byteCount: indices.count * bytes) { target in
      guard let base = unsafe dataset.pixels.base else { return }
      for (offset, index) in indices.enumerated() {
        unsafe target.baseAddress?.advanced(by: offset * bytes).copyMemory(
          from: base + index * length,
          byteCount: bytes
        )
      }
    }
    do {
      let tensor = try Tensor(
        dtype: .float32,
        layout: Layout(contiguous: [indices.count, 1, side, side]),
        storage: storage
      )
      return try PixelSource(tensor, name: "the validation images")
    } catch let error as ConvNetError {
      throw error
    } catch {
      throw .unreadable(of: "the validation images", reason: "\(error)")
    }
  }
}
