import OrderedCollections
import Tensors
import TestSupport
import Testing

@testable import ConvNet

@Suite struct TrainerTests {
  static func dataset(_ range: Range<Int>) throws -> Dataset {
    try Dataset(
      images: Reference.images(range),
      labels: Reference.labels(range)
    )
  }

  static func options(epochs: Int = 3) -> TrainingOptions {
    var options = TrainingOptions(seed: 21)
    options.epochs = epochs
    return options
  }

  static func trainer(_ options: TrainingOptions = options()) throws -> Trainer
  {
    try Trainer(options, training: dataset(0..<448), test: dataset(448..<512))
  }

  /// What the hooks were called with.
  final class Recorder: @unchecked Sendable {
    var saved: [StateDict] = []
    var states: [TrainingState] = []
    var events: [TrainingEvent] = []
    var batches = 0
    var cancelAfter = Int.max

    var hooks: Trainer.Hooks {
      Trainer.Hooks(
        saveBest: { self.saved.append($0) },
        saveState: { self.states.append($0) },
        isCancelled: { self.batches >= self.cancelAfter },
        report: {
          if case .progress = $0 {
            self.batches += 1
          } else {
            self.events.append($0)
          }
        }
      )
    }
  }

  /// A run of three epochs that nothing disturbs.
  static let whole = Result {
    let recorder = Recorder()
    return (recorder: recorder, report: try trainer().run(recorder.hooks))
  }

  static func digests(_ state: StateDict) throws -> [String?] {
    try state.tensors.values.map { try $0.sha256() }
  }

  static func digests(_ state: TrainingState) throws -> [String?] {
    try digests(state.model)
      + state.optimizer.entries.flatMap {
        [try $0.mean.sha256(), try $0.square.sha256(), "\($0.step)"]
      }
  }

  @Test func followsTheScriptInTorch() throws {
    let expected = try Reference.load().procedure
    let (recorder, report) = try Self.whole.get()
    #expect(report.ending == .completed)
    #expect(report.history.count == expected.epochs.count)
    for (found, epoch) in zip(report.history, expected.epochs) {
      #expect(abs(found.trainingLoss - epoch.trainingLoss) < 1e-4)
      #expect(abs(found.trainingAccuracy - epoch.trainingAccuracy) < 1e-6)
      #expect(abs(found.validationLoss - epoch.validationLoss) < 1e-3)
      #expect(abs(found.validationAccuracy - epoch.validationAccuracy) < 1e-6)
      if let tested = found.argmaxTestAccuracy {
        #expect(tested == epoch.testAccuracy)
      }
    }
    let state = try #require(recorder.states.last)
    #expect(try Tensor(state.randomState).sha256() == expected.state)
    #expect(state.epoch == 3)
    #expect(state.seed == 21)
    let best = try #require(report.bestEpoch)
    let accuracies = report.history.map(\.validationAccuracy)
    #expect(accuracies[best - 1] == accuracies.max())
    #expect(
      try Self.digests(report.best.stateDict())
        == Self.digests(#require(recorder.saved.last))
    )
    #expect(report.finalTest?.images == 64)
  }

  @Test func tellsWhatHappensInOrder() throws {
    let recorder = Recorder()
    let report = try Self.trainer(Self.options(epochs: 1)).run(recorder.hooks)
    let record = try #require(report.history.first)
    #expect(recorder.events.count == 4)
    #expect(
      recorder.events.first
        == .trained(
          epoch: 1,
          loss: record.trainingLoss,
          accuracy: record.trainingAccuracy
        )
    )
    #expect(recorder.events.last == .finished(record))
    // 404 training images in 25 batches, 44 validation images in 2.
    #expect(recorder.batches == 27)
  }

  @Test(arguments: [1, 2])
  func resumesToTheSameBytes(after epoch: Int) throws {
    let (whole, expected) = try Self.whole.get()
    let rest = Recorder()
    let resumed = try Trainer(
      resuming: whole.states[epoch - 1],
      Self.options(),
      training: Self.dataset(0..<448),
      test: Self.dataset(448..<512)
    ).run(rest.hooks)
    #expect(rest.states.count == 3 - epoch)
    #expect(
      try Self.digests(#require(rest.states.last))
        == Self.digests(#require(whole.states.last))
    )
    #expect(resumed.history == expected.history)
    #expect(resumed.finalTest == expected.finalTest)
    #expect(
      try Self.digests(resumed.best.stateDict())
        == Self.digests(expected.best.stateDict())
    )
  }

  @Test(arguments: [0, 26, 53])
  func endsAfterTheBatchThatIsCancelled(_ batches: Int) throws {
    let (whole, _) = try Self.whole.get()
    let cut = Recorder()
    cut.cancelAfter = batches
    let report = try Self.trainer().run(cut.hooks)
    #expect(report.ending == .cancelled)
    #expect(report.finalTest == nil)
    #expect(cut.batches == max(1, batches))
    let state = try #require(cut.states.last)
    #expect(state.epoch == batches / 27)
    let rest = Recorder()
    _ = try Trainer(
      resuming: state,
      Self.options(),
      training: Self.dataset(0..<448),
      test: Self.dataset(448..<512)
    ).run(rest.hooks)
    #expect(
      try Self.digests(#require(rest.states.last))
        == Self.digests(#require(whole.states.last))
    )
  }

  @Test func runsWithAugmentationAndOneSplitToTheSameBytes() throws {
    var options = Self.options(epochs: 2)
    options.fixedSplit = true
    options.augmentation = Augmentation()
    let whole = Recorder()
    _ = try Self.trainer(options).run(whole.hooks)
    let first = try #require(whole.states.first)
    let split = try #require(first.split)
    #expect(split.training.count == 404)
    #expect(Set(split.training + split.validation).count == 448)
    #expect(whole.states.last?.split == split)
    let rest = Recorder()
    _ = try Trainer(
      resuming: first,
      options,
      training: Self.dataset(0..<448),
      test: Self.dataset(448..<512)
    ).run(rest.hooks)
    #expect(
      try Self.digests(#require(rest.states.last))
        == Self.digests(#require(whole.states.last))
    )
  }

  @Test func savesTheInitialNetworkForNoEpochs() throws {
    let recorder = Recorder()
    let report = try Self.trainer(Self.options(epochs: 0)).run(recorder.hooks)
    #expect(recorder.saved.count == 1)
    #expect(
      try Self.digests(#require(recorder.saved.first))
        == Self.digests(MyConvNet(seed: 21).stateDict())
    )
    #expect(report.history.isEmpty)
    #expect(report.finalTest?.images == 64)
  }

  @Test func stopsWhenThePatienceIsOver() throws {
    var options = Self.options(epochs: 40)
    options.optimizer.learningRate = 0
    options.patience = 1
    let recorder = Recorder()
    let report = try Self.trainer(options).run(recorder.hooks)
    #expect(report.ending == .stoppedEarly)
    let best = try #require(report.bestEpoch)
    #expect(report.history.count == best + 2)
    #expect(
      recorder.events.last
        == .stoppedEarly(epoch: report.history.count, patience: 1)
    )
  }

  @Test func namesTheBatchWhoseLossIsNoNumber() throws {
    var options = Self.options()
    options.optimizer.learningRate = 1e30
    let trainer = try Self.trainer(options)
    #expect {
      _ = try trainer.run(Trainer.Hooks())
    } throws: {
      guard case .loss(1, let batch) = $0 as? ConvNetError else { return false }
      return batch > 1 && batch < 10
    }
  }

  @Test func endsWithWhatTheHooksThrow() throws {
    struct DiskFull: Error {}
    let trainer = try Self.trainer()
    #expect(throws: DiskFull.self) {
      _ = try trainer.run(Trainer.Hooks(saveBest: { _ in throw DiskFull() }))
    }
  }

  @Test func refusesTooFewImages() throws {
    for (training, test) in [(0..<159, 448..<512), (0..<0, 0..<1)] {
      #expect(throws: ConvNetError.self) {
        _ = try Trainer(
          Self.options(),
          training: Self.dataset(training),
          test: Self.dataset(test)
        )
      }
    }
    #expect(
      throws: ConvNetError.tooFewImages(
        what: "the test set",
        images: 0,
        needed: 1
      )
    ) {
      _ = try Trainer(
        Self.options(),
        training: Self.dataset(0..<160),
        test: Self.dataset(0..<0)
      )
    }
  }

  @Test func refusesSettingsThatMakeNoSense() {
    let changes: [(inout TrainingOptions) -> Void] = [
      { $0.epochs = -1 }, { $0.batchSize = 0 }, { $0.patience = -1 },
      { $0.validationFraction = 0 }, { $0.validationFraction = 1 },
      { $0.validationFraction = .nan }, { $0.threads = 0 },
      { $0.optimizer.learningRate = -1 },
      { $0.optimizer.learningRate = .nan },
      { $0.optimizer.weightDecay = .infinity },
      { $0.optimizer.clipNorm = 0 }, { $0.optimizer.beta1 = 1 },
      { $0.optimizer.epsilon = -1 },
    ]
    for change in changes {
      var options = TrainingOptions(seed: 1)
      change(&options)
      #expect(throws: ConvNetError.self) { try options.check() }
    }
  }

  @Test func refusesStatesThatDoNotFit() throws {
    let recorder = Recorder()
    _ = try Self.trainer(Self.options(epochs: 1)).run(recorder.hooks)
    let good = try #require(recorder.states.last)
    let changes: [(inout TrainingState) -> Void] = [
      { $0.epoch = -1 },
      { $0.randomState.removeLast() },
      { $0.model["fc.0.bias"] = nil },
      { $0.optimizer.entries.removeLast() },
      { $0.optimizer.entries[3].step = 7 },
      { $0.optimizer.entries[2].mean = $0.optimizer.entries[0].mean },
      { $0.split = Split(training: [1, 2], validation: [2]) },
      { $0.bestModel = StateDict() },
      { $0.optimizer.options.beta2 = 2 },
    ]
    for (index, change) in changes.enumerated() {
      var state = good
      change(&state)
      #expect(throws: (any Error).self, "change \(index)") {
        _ = try Trainer(
          resuming: state,
          Self.options(),
          training: Self.dataset(0..<448),
          test: Self.dataset(448..<512)
        )
      }
    }
  }
}
