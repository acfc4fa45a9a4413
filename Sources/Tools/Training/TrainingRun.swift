internal import ConvNet
internal import Pickle
internal import Synchronization
internal import Tensors

/// Runs a training and tells of it on the screen and in the logs.
struct TrainingRun {
  private let trainer: Trainer
  private let files: TrainingFiles

  init(_ trainer: Trainer, files: TrainingFiles) {
    self.trainer = trainer
    self.files = files
  }

  /// Trains until the end or until Ctrl-C.
  ///
  /// - Returns: What the run gave.
  /// - Throws: What training and writing throw; the best checkpoint stays.
  func run() throws -> TrainingReport {
    Interrupt.watch()
    let epochs = trainer.options.epochs
    var bar = BatchBar(epochs: epochs)
    // A log that can't be written ends the run at the next save.
    var logFailure: (any Error)?
    let hooks = Trainer.Hooks(
      saveBest: { [files] model in
        if let logFailure { throw logFailure }
        try files.saveBest(model)
      },
      saveState: { [files] state in
        if let logFailure { throw logFailure }
        try files.save(state)
      },
      isCancelled: { Interrupt.isRequested },
      report: { [files] event in
        if case .progress(
          let phase,
          let epoch,
          let batch,
          let count,
          let loss
        ) =
          event
        {
          return bar.show(phase, epoch, batch, count, loss)
        }
        bar.clear()
        if let line = Self.line(for: event, epochs: epochs) { print(line) }
        if case .finished(let record) = event {
          do {
            try files.add(record)
          } catch {
            logFailure = logFailure ?? error
          }
        }
        StandardOutput.flush()
      }
    )
    defer { bar.clear() }
    print("seed \(trainer.options.seed)")
    let report = try trainer.run(hooks)
    if let logFailure { throw logFailure }
    bar.clear()
    tell(report)
    return report
  }

  private func tell(_ report: TrainingReport) {
    if let test = report.finalTest {
      print("final test acc = \(Text.fixed(test.sampledAccuracy, 5)) (sampled)")
      print("final test acc = \(Text.fixed(test.argmaxAccuracy, 5)) (argmax)")
    }
    if report.ending == .cancelled {
      print("interrupted after epoch \(report.history.count)")
    }
    if report.bestEpoch != nil || report.history.isEmpty {
      print("saved \(files.checkpoint)")
    }
  }

  private static func line(
    for event: TrainingEvent,
    epochs: Int
  ) -> String? {
    switch event {
    case .progress, .finished: return nil
    case .trained(let epoch, let loss, let accuracy):
      return head("Train", epoch, epochs) + numbers(loss, accuracy)
    case .validated(let epoch, let loss, let accuracy, let isBest):
      return head("Valid", epoch, epochs) + numbers(loss, accuracy)
        + (isBest ? " -> best" : "")
    case .tested(let epoch, let evaluation):
      return "Best model so far at epoch \(epoch), saved; test acc = "
        + "\(Text.fixed(evaluation.sampledAccuracy, 5)) (argmax "
        + "\(Text.fixed(evaluation.argmaxAccuracy, 5)))"
    case .stoppedEarly(_, let patience):
      return "No improvement in more than \(patience) epochs in a row: stopped"
    }
  }

  static func head(_ phase: String, _ epoch: Int, _ epochs: Int) -> String {
    "[ \(phase) | \(zeroPadded(epoch, width: 3))/\(zeroPadded(epochs, width: 3)) ] "
  }

  private static func numbers(_ loss: Double, _ accuracy: Float) -> String {
    "loss = \(Text.fixed(loss, 5)), acc = \(Text.fixed(Double(accuracy), 5))"
  }
}

/// The line of a running epoch on a terminal: batches, speed, loss.
struct BatchBar {
  private let epochs: Int
  private let isShown = Terminal.isError
  private var started = ContinuousClock.now
  private var shown = ContinuousClock.now
  private var phase: TrainingEvent.Phase?
  private var isVisible = false

  init(epochs: Int) {
    self.epochs = epochs
  }

  /// Shows where the epoch is, ten times a second at the most.
  mutating func show(
    _ phase: TrainingEvent.Phase,
    _ epoch: Int,
    _ batch: Int,
    _ count: Int,
    _ loss: Double
  ) {
    guard isShown else { return }
    let now = ContinuousClock.now
    if self.phase != phase || batch <= 1 {
      self.phase = phase
      started = now
    }
    guard now - shown > .milliseconds(100) || batch == count else { return }
    shown = now
    isVisible = true
    let seconds = (now - started) / .seconds(1)
    let speed = seconds > 0 ? Double(batch) / seconds : 0
    var facts = " \(batch)/\(count) \(Text.fixed(speed, 0)) it/s"
    if speed > 0 {
      facts += " \(ProgressBar.time(Double(count - batch) / speed)) left"
    }
    facts += " loss = \(Text.fixed(loss, 5))"
    let name = phase == .training ? "Train" : "Valid"
    let head = TrainingRun.head(name, epoch, epochs)
    let room = Terminal.errorWidth - 1 - head.count
    let width = max(0, min(24, room - facts.count))
    let done = count > 0 ? batch * width / count : 0
    let bar =
      String(repeating: "█", count: done)
      + String(repeating: "░", count: width - done)
    StandardError.write(
      "\r" + head + String((bar + facts).prefix(max(0, room))) + "\u{1b}[K"
    )
  }

  /// Takes the line away.
  mutating func clear() {
    guard isVisible else { return }
    isVisible = false
    StandardError.write("\r\u{1b}[K")
  }
}
