internal import ArgumentParser
internal import Pickle
internal import PthCodec

/// How much memory and how many steps a file may ask for.
struct LimitOptions: ParsableArguments {
  @Option(help: "The most values that one pickle may make.")
  var maxNodes: Int?

  @Option(help: "The most values and marks on a pickle's stack at a time.")
  var maxDepth: Int?

  @Option(help: "The most memo entries of one pickle.")
  var maxMemo: Int?

  @Option(help: "The most bytes of one integer in a pickle.")
  var maxIntegerBytes: Int?

  @Option(help: "The most bytes of a module's or class's name in a pickle.")
  var maxNameBytes: Int?

  @OptionGroup var inflation: InflationOptions

  func validate() throws {
    let limits = [
      maxNodes, maxDepth, maxMemo, maxIntegerBytes, maxNameBytes,
    ]
    try checkLimits(limits)
  }

  /// The options, with defaults for what was not given.
  var readOptions: ReadOptions {
    // Who only looks at a file should hear of a header that deceives.
    var options = ReadOptions(checksHeaders: true)
    if let maxNodes { options.pickle.maxNodes = maxNodes }
    if let maxDepth { options.pickle.maxDepth = maxDepth }
    if let maxMemo { options.pickle.maxMemo = maxMemo }
    if let maxIntegerBytes {
      options.pickle.maxIntegerBytes = maxIntegerBytes
      // Each byte is two digits and a half.
      let (digits, isTooMuch) = maxIntegerBytes.multipliedReportingOverflow(
        by: 5
      )
      options.pickle.maxIntegerDigits = isTooMuch ? Int.max : digits / 2
    }
    if let maxNameBytes { options.pickle.maxNameBytes = maxNameBytes }
    inflation.apply(to: &options)
    return options
  }
}

/// How large a compressed record may become.
struct InflationOptions: ParsableArguments {
  @Option(help: "The most bytes that one compressed record may become.")
  var maxInflatedSize: Int?

  @Option(
    help: """
      How many times larger a compressed record may become, and a pickle a \
      25th of it; 500 unless given.
      """
  )
  var maxRatio: Int?

  func validate() throws {
    try checkLimits([maxInflatedSize, maxRatio])
  }

  /// Sets what was given.
  func apply(to options: inout ReadOptions) {
    if let maxInflatedSize { options.maxInflatedSize = maxInflatedSize }
    if let maxRatio { options.maxInflationRatio = maxRatio }
  }
}

private func checkLimits(_ limits: [Int?]) throws {
  for limit in limits {
    if let limit, limit < 1 {
      throw ValidationError("a limit must be at least 1")
    }
  }
}
