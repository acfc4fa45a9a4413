internal import Foundation

/// A program that is run and waited for.
public enum Command {
  /// What a run gave.
  public struct Outcome: Sendable {
    /// The exit status, or 128 plus the signal that ended it.
    public let status: Int32
    /// Standard output.
    public let output: [UInt8]
    /// Standard error.
    public let messages: String

    /// Standard output as text.
    public var text: String { String(decoding: output, as: UTF8.self) }

    /// Decodes standard output as JSON.
    ///
    /// - Parameter type: What it holds.
    /// - Returns: The decoded value.
    /// - Throws: `DecodingError`.
    public func json<Value: Decodable>(
      as type: Value.Type = Value.self
    ) throws -> Value {
      try JSONDecoder().decode(type, from: Data(output))
    }
  }

  /// What keeps a program from being run to its end.
  public enum Failure: Error, CustomStringConvertible {
    /// There is no such program.
    case missing(String)
    /// It ran longer than the limit and was ended.
    case timeout(arguments: [String], seconds: Double)

    public var description: String {
      switch self {
      case .missing(let path): "there is no program \(path)"
      case .timeout(let arguments, let seconds):
        "\(arguments) did not end within \(seconds) seconds"
      }
    }
  }

  /// The seconds after which a program is taken to hang.
  ///
  /// A busy machine, and a build that counts the lines that it reaches, take ten
  /// times as long as others.
  public static let patience = 300.0

  /// For a run of the tool that is killed or starved: else one that measures
  /// coverage would leave half a profile, which the others can't be merged with.
  public static let withoutProfile = ["LLVM_PROFILE_FILE": "/dev/null"]

  /// Runs a program and waits for its end.
  ///
  /// - Parameters:
  ///   - program: The program's path.
  ///   - arguments: Its arguments.
  ///   - input: Standard input; nothing where it is nil.
  ///   - directory: The working directory; the tests' own where it is nil.
  ///   - environment: Variables to set beside the tests' own.
  ///   - seconds: After this time the program is ended.
  /// - Returns: Exit status and output.
  /// - Throws: ``Failure``, and what starting the process throws.
  public static func run(
    _ program: String,
    _ arguments: [String],
    input: [UInt8]? = nil,
    directory: String? = nil,
    environment: [String: String] = [:],
    seconds: Double = patience
  ) throws -> Outcome {
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw Failure.missing(program)
    }
    return try withTemporaryDirectory { folder in
      // Files rather than pipes: no output is too long for them.
      let output = folder.file("output")
      let messages = folder.file("messages")
      let source = folder.file("input")
      try writeFile([], to: output)
      try writeFile([], to: messages)
      try writeFile(input ?? [], to: source)
      let process = try ChildProcess(
        program,
        arguments,
        .init(input: source, output: output, messages: messages),
        directory: directory,
        environment: environment
      )
      let limit = seconds * TestTime.factor
      guard let status = process.wait(seconds: limit) else {
        throw Failure.timeout(arguments: arguments, seconds: limit)
      }
      return try Outcome(
        status: status,
        output: readFile(output),
        messages: String(decoding: readFile(messages), as: UTF8.self)
      )
    }
  }
}
