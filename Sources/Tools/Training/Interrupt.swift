internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Ctrl-C: the first one asks for an end, the second one ends at once.
enum Interrupt {
  private static let flag = Atomic<Bool>(false)

  /// Whether Ctrl-C was pressed.
  static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Lets a write beyond the process's file-size limit fail as on a full disk,
  /// with a message, where the signal would end the process without one.
  static func outliveFileSizeLimit() {
    _ = signal(SIGXFSZ, SIG_IGN)
  }

  /// Takes the signal from now on.
  static func watch() {
    for number in [SIGINT, SIGTERM] {
      _ = signal(number) { number in
        Interrupt.flag.store(true, ordering: .relaxed)
        _ = signal(number, SIG_DFL)
      }
    }
  }
}
