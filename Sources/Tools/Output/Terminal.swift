#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What is known about the terminal, if there is one.
enum Terminal {
  /// Whether standard output is a terminal.
  static var isOutput: Bool { isatty(1) != 0 }

  /// Whether standard error is a terminal.
  static var isError: Bool { isatty(2) != 0 }

  /// The columns of the terminal; nil where standard output is none.
  static var width: Int? {
    guard isOutput else { return nil }
    var size = winsize()
    guard unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return 80
    }
    return Int(size.ws_col)
  }
}
