internal import ArgumentParser
internal import PthCodec

/// How much memory and how many steps a file may ask for.
struct LimitOptions: ParsableArguments {
  @Option(help: "The most values that one pickle may make.")
  var maxNodes: Int?

  @Option(help: "The most bytes that one compressed record may become.")
  var maxInflatedSize: Int?

  @Option(help: "How many times larger a compressed record may become.")
  var maxRatio: Int?

  func validate() throws {
    for limit in [maxNodes, maxInflatedSize, maxRatio] {
      if let limit, limit < 1 {
        throw ValidationError("A limit must be at least 1.")
      }
    }
  }

  /// The options, with defaults for what was not given.
  var readOptions: ReadOptions {
    var options = ReadOptions()
    if let maxNodes { options.maxNodes = maxNodes }
    if let maxInflatedSize { options.maxInflatedSize = maxInflatedSize }
    if let maxRatio { options.maxInflationRatio = maxRatio }
    return options
  }
}
