internal import ConvNet
internal import Pickle
internal import PthCodec
internal import Tensors

/// The files of a training run: the checkpoint, the logs, the state.
struct TrainingFiles {
  private let folder: String
  private let base: String
  private let statePath: String?

  init(folder: String, base: String, statePath: String?) {
    self.folder = folder
    self.base = base
    self.statePath = statePath
  }

  /// The checkpoint to hand in.
  var checkpoint: String { path(".pth") }

  /// One line an epoch: number, losses and accuracies.
  var log: String { path("_log.txt") }

  /// One line an improvement: number and test accuracy.
  var testLog: String { path("_test_log.txt") }

  /// The path of a file with the run's name and another ending.
  func path(_ ending: String) -> String {
    folder == "." ? base + ending : "\(folder)/\(base)\(ending)"
  }

  /// Starts the logs, and makes sure that the checkpoint can be written.
  ///
  /// - Throws: `FileError` for a folder that can't be written into.
  func prepare(isResumed: Bool) throws {
    for path in [checkpoint] + (statePath.map { [$0] } ?? []) {
      // Nothing is committed: this only asks whether one could.
      try AtomicFile(path).discard()
    }
    if isResumed {
      try TextFile.append("", to: log)
      try TextFile.append("", to: testLog)
    } else {
      try TextFile.write("0 0 0 0 0\n", to: log)
      try TextFile.write("", to: testLog)
    }
  }

  /// Saves the best network so far.
  func saveBest(_ model: StateDict) throws {
    try Checkpoint(model).save(to: checkpoint, as: .pytorchZip)
  }

  /// Saves a state to go on from, where one is asked for.
  func save(_ state: TrainingState) throws {
    guard let statePath else { return }
    try TrainingStateFile.save(state, to: statePath)
  }

  /// Adds an epoch to the log.
  func add(_ record: EpochRecord) throws {
    let numbers = [
      record.trainingLoss, Double(record.trainingAccuracy),
      record.validationLoss, Double(record.validationAccuracy),
    ].map { Text.fixed($0, 5) }.joined(separator: " ")
    try TextFile.append(
      "\(zeroPadded(record.epoch, width: 3)) \(numbers)\n",
      to: log
    )
    if let accuracy = record.sampledTestAccuracy {
      try TextFile.append(
        "\(zeroPadded(record.epoch, width: 3)) \(Text.fixed(accuracy, 5))\n",
        to: testLog
      )
    }
  }
}
