internal import Synchronization

/// A line on the terminal that tells how far long work has come: bytes, speed,
/// and the time that is left.
///
/// There is none where standard error is no terminal.
final class ProgressBar: Sendable {
  private let label: String
  private let state: Mutex<State>

  private struct State {
    let start: ContinuousClock.Instant
    var shown: ContinuousClock.Instant?
  }

  /// Makes a bar, which appears when the work has taken a moment; nil where
  /// standard error is no terminal.
  ///
  /// - Parameter label: What is being done.
  init?(_ label: String) {
    guard Terminal.isError else { return nil }
    self.label = Text.printable(label)
    state = Mutex(State(start: .now))
  }

  deinit { clear() }

  /// Shows how much is done, ten times a second at most.
  ///
  /// - Parameters:
  ///   - done: The bytes that are done.
  ///   - total: All bytes.
  func update(_ done: Int, of total: Int) {
    state.withLock { state in
      let now = ContinuousClock.now
      let elapsed = state.start.duration(to: now)
      let sinceShown = state.shown?.duration(to: now) ?? elapsed
      guard elapsed > .milliseconds(300), sinceShown > .milliseconds(100)
      else { return }
      state.shown = now
      let line = Self.line(
        label,
        done: done,
        total: total,
        seconds: elapsed / .seconds(1),
        columns: Terminal.errorWidth
      )
      StandardError.write("\r\u{1b}[2K" + line)
    }
  }

  /// Takes the line away again.
  func clear() {
    state.withLock { state in
      guard state.shown != nil else { return }
      state.shown = nil
      StandardError.write("\r\u{1b}[2K")
    }
  }

  /// The line for a moment.
  ///
  /// - Parameters:
  ///   - label: What is being done.
  ///   - done: The bytes that are done.
  ///   - total: All bytes.
  ///   - seconds: The time since the start.
  ///   - columns: The most columns that it may take.
  /// - Returns: `label [####----]  50% of 6.0 GiB, 1.2 GiB/s, 2 s left`.
  static func line(
    _ label: String,
    done: Int,
    total: Int,
    seconds: Double,
    columns: Int
  ) -> String {
    let part = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
    var facts = " \(Int(part * 100))% of \(Text.size(total))"
    if seconds > 0, done > 0 {
      let speed = Double(done) / seconds
      facts += ", \(Text.size(Int(min(speed, 1e18))))/s"
      let left = Double(max(0, total - done)) / speed
      facts += ", \(time(left)) left"
    }
    let used = facts.count + TextWidth.columns(of: label)
    let width = min(30, columns - 1 - used - 3)
    guard width >= 5 else {
      return String(facts.dropFirst().prefix(columns - 1))
    }
    let filled = Int(part * Double(width))
    return label + " [" + String(repeating: "#", count: filled)
      + String(repeating: "-", count: width - filled) + "]" + facts
  }

  /// A time that is left, in words: `2 min 5 s`.
  static func time(_ seconds: Double) -> String {
    guard seconds < 360_000 else { return "days" }
    let whole = Int(seconds.rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole / 60 % 60) min"
  }
}
