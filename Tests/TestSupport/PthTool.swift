internal import Foundation

/// Runs the built `pth` as a user would.
public enum PthTool {
  /// The tool's path: it is built beside the tests.
  public static let path: String = {
    #if os(macOS)
      let bundle = Bundle.allBundles.first {
        $0.bundlePath.hasSuffix(".xctest")
      }
      let tests = bundle?.bundleURL ?? Bundle.main.bundleURL
    #else
      let tests = URL(fileURLWithPath: "/proc/self/exe")
        .resolvingSymlinksInPath()
    #endif
    return tests.deletingLastPathComponent().path + "/pth"
  }()

  /// Runs the tool and waits for its end.
  ///
  /// - Parameters:
  ///   - arguments: The arguments after `pth`.
  ///   - input: Standard input; nothing where it is nil.
  ///   - directory: The working directory; the tests' own where it is nil.
  ///   - environment: Variables to set beside the tests' own.
  ///   - seconds: After this time the tool is ended.
  /// - Returns: Exit status and output.
  /// - Throws: `Command.Failure`, and what starting the process throws.
  public static func run(
    _ arguments: [String],
    input: [UInt8]? = nil,
    directory: String? = nil,
    environment: [String: String] = [:],
    seconds: Double = Command.patience
  ) throws -> Command.Outcome {
    try Command.run(
      path,
      arguments,
      input: input,
      directory: directory,
      environment: environment,
      seconds: seconds
    )
  }

  /// Runs the tool and waits for its end.
  ///
  /// - Parameters:
  ///   - arguments: The arguments after `pth`.
  ///   - input: Standard input; nothing where it is nil.
  ///   - directory: The working directory; the tests' own where it is nil.
  ///   - environment: Variables to set beside the tests' own.
  ///   - seconds: After this time the tool is ended.
  /// - Returns: Exit status and output.
  /// - Throws: `Command.Failure`, and what starting the process throws.
  public static func run(
    _ arguments: String...,
    input: [UInt8]? = nil,
    directory: String? = nil,
    environment: [String: String] = [:],
    seconds: Double = Command.patience
  ) throws -> Command.Outcome {
    try run(
      arguments,
      input: input,
      directory: directory,
      environment: environment,
      seconds: seconds
    )
  }
}
