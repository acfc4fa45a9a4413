internal import Synchronization

/// A line on the terminal that tells how far long work has come: how much of
/// how much, speed, and the time that is left.
///
/// There is none where standard error is no terminal.
final class ProgressBar: Sendable {
  private let label: String
  private let unit: Unit
  private let state: Mutex<State>

  private struct State {
    let start: ContinuousClock.Instant
    var shown: ContinuousClock.Instant?
  }

  /// What is counted.
  enum Unit: Sendable {
    case bytes
    /// Things of a name, `images` for example.
    case things(String)

    fileprivate func text(_ count: Int) -> String {
      switch self {
      case .bytes: Text.size(count)
      case .things(let name): "\(Text.count(count)) \(name)"
      }
    }
  }

  /// Makes a bar, which appears when the work has taken a moment; nil where
  /// standard error is no terminal.
  ///
  /// - Parameters:
  ///   - label: What is being done.
  ///   - unit: What is counted.
  init?(_ label: String, unit: Unit = .bytes) {
    guard Terminal.isError else { return nil }
    self.label = Text.printable(label)
    self.unit = unit
    state = Mutex(State(start: .now))
  }

  /// Shows a bar while something is done, and takes it away again.
  ///
  /// - Parameters:
  ///   - label: What is being done.
  ///   - unit: What is counted.
  ///   - work: Does it, and calls what it is given now and then.
  /// - Returns: What `work` returns.
  /// - Throws: What `work` throws.
  static func during<Result>(
    _ label: String,
    unit: Unit = .bytes,
    _ work: (@escaping @Sendable (_ done: Int, _ total: Int) -> Void) throws
      -> Result
  ) rethrows -> Result {
    let bar = ProgressBar(label, unit: unit)
    defer { bar?.clear() }
    return try work { bar?.update($0, of: $1) }
  }

  deinit { clear() }

  /// Shows how much is done, ten times a second at most.
  ///
  /// - Parameters:
  ///   - done: How much is done.
  ///   - total: How much there is to do; nil where nobody knows.
  func update(_ done: Int, of total: Int?) {
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
        unit: unit,
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
  ///   - done: How much is done.
  ///   - total: How much there is to do; nil where nobody knows.
  ///   - unit: What is counted.
  ///   - seconds: The time since the start.
  ///   - columns: The most columns that it may take.
  /// - Returns: `label [####----]  50% of 6.0 GiB, 1.2 GiB/s, 2 s left`;
  ///   without a total `label 3.0 GiB, 1.2 GiB/s`.
  static func line(
    _ label: String,
    done: Int,
    total: Int?,
    unit: Unit = .bytes,
    seconds: Double,
    columns: Int
  ) -> String {
    var speed: Double?
    if seconds > 0, done > 0 { speed = min(Double(done) / seconds, 1e18) }
    let rate = speed.map { ", \(unit.text(Int($0)))/s" } ?? ""
    guard let total else {
      return TextWidth.elided(
        "\(label) \(unit.text(done))\(rate)",
        to: columns - 1
      )
    }
    let part = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
    var facts = " \(Int(part * 100))% of \(unit.text(total))\(rate)"
    if let speed {
      facts += ", \(time(Double(max(0, total - done)) / speed)) left"
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
