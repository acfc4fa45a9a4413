internal import Foundation

/// How much longer than usual things may take.
public enum TestTime {
  /// What limits of time are multiplied with: `PTH_TIME_FACTOR`, which the
  /// scripts set where programs are slow, as under a sanitizer.
  public static let factor =
    ProcessInfo.processInfo.environment["PTH_TIME_FACTOR"]
    .flatMap { Double($0) } ?? 1
}
