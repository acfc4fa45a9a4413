internal import Foundation

/// What is known about the terminal, if there is one.
enum Terminal {
  /// Whether standard input is a terminal.
  static var isInput: Bool { isatty(0) != 0 }

  /// Whether standard output is a terminal.
  static var isOutput: Bool { isatty(1) != 0 }

  /// Whether standard error is a terminal.
  static var isError: Bool { isatty(2) != 0 }

  /// The columns of the terminal; nil where standard output is none, so that
  /// nothing is shortened in a pipe or a file.
  static var width: Int? { isOutput ? columns(of: 1) : nil }

  /// The columns of the terminal behind standard error.
  static var errorWidth: Int { columns(of: 2) }

  /// Whether standard output takes colours.
  ///
  /// It does on a terminal, unless the user wishes none: see no-color.org.
  static var isColored: Bool { isOutput && allowsColor }

  /// Whether standard error takes colours.
  static var isErrorColored: Bool { isError && allowsColor }

  private static var allowsColor: Bool {
    let environment = ProcessInfo.processInfo.environment
    return environment["NO_COLOR", default: ""].isEmpty
      && environment["TERM"] != "dumb"
  }

  /// COLUMNS where the user has set it, else what the terminal tells, else 80.
  private static func columns(of descriptor: Int32) -> Int {
    if let text = ProcessInfo.processInfo.environment["COLUMNS"],
      let columns = Int(text), columns > 0
    {
      return columns
    }
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0,
      size.ws_col > 0
    else { return 80 }
    return Int(size.ws_col)
  }
}

/// Colours, where there is a terminal that takes them.
enum Style: String {
  case bold = "1"
  case good = "32"
  case bad = "1;31"
  case warning = "33"

  /// Text in this style for standard output.
  ///
  /// - Parameter text: The text, without control characters.
  /// - Returns: The same text where colours are not wanted.
  func callAsFunction(_ text: String) -> String {
    Terminal.isColored ? colored(text) : text
  }

  /// Text in this style for standard error.
  func onError(_ text: String) -> String {
    Terminal.isErrorColored ? colored(text) : text
  }

  private func colored(_ text: String) -> String {
    "\u{1b}[\(rawValue)m\(text)\u{1b}[0m"
  }
}
