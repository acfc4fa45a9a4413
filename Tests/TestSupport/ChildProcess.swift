public import Foundation

/// A program that runs beside the test.
///
/// Foundation's `Process` is not used: it keeps what it was given for ever in one
/// run of ten, and reads beyond the end of its list of descriptors once there are
/// 1,300 of them.
public struct ChildProcess: Sendable {
  /// The process's number.
  public let id: pid_t

  /// What keeps a program from being started.
  public struct Failure: Error, CustomStringConvertible {
    let program: String
    let number: Int32

    public var description: String {
      "\(program) can't be started: \(String(cString: strerror(number)))"
    }
  }

  /// Where a program reads and writes: paths, nil for what the tests have.
  public struct Streams {
    var input: String?
    var output: String?
    var messages: String?

    /// Names the files; those for output must be there.
    ///
    /// - Parameters:
    ///   - input: Standard input.
    ///   - output: Standard output.
    ///   - messages: Standard error.
    public init(
      input: String? = "/dev/null",
      output: String? = "/dev/null",
      messages: String? = nil
    ) {
      self.input = input
      self.output = output
      self.messages = messages
    }
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - program: The program's path.
  ///   - arguments: Its arguments.
  ///   - streams: Its standard streams.
  ///   - directory: The working directory; the tests' own where it is nil.
  ///   - environment: Variables to set beside the tests' own.
  /// - Throws: ``Failure``.
  public init(
    _ program: String,
    _ arguments: [String],
    _ streams: Streams = Streams(),
    directory: String? = nil,
    environment: [String: String] = [:]
  ) throws {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }

    let files = [
      (STDIN_FILENO, streams.input, O_RDONLY),
      (STDOUT_FILENO, streams.output, O_WRONLY),
      (STDERR_FILENO, streams.messages, O_WRONLY),
    ]
    for (number, path, flags) in files {
      guard let path else { continue }
      posix_spawn_file_actions_addopen(&actions, number, path, flags, 0)
    }
    // Not deaf to signals because the thread is that starts it.
    var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    #if canImport(Darwin)
      flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
      for (number, path, _) in files where path == nil {
        posix_spawn_file_actions_addinherit_np(&actions, number)
      }
    #endif
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(flags))

    let variables = ProcessInfo.processInfo.environment
      .merging(environment) { _, new in new }
    // The C library's own way of changing the folder is not in every one.
    let words =
      directory.map { ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, $0] } ?? []
    let command = words + [program] + arguments
    var created: pid_t = 0
    let status = Self.withPointers(to: command) { arguments in
      Self.withPointers(to: variables.map { "\($0)=\($1)" }) { variables in
        posix_spawn(
          &created,
          command[0],
          &actions,
          &attributes,
          arguments,
          variables
        )
      }
    }
    guard status == 0 else { throw Failure(program: program, number: status) }
    id = created
  }

  /// Waits for the end.
  ///
  /// - Returns: The exit status, or 128 plus the signal that ended it.
  @discardableResult
  public func wait() -> Int32 {
    wait(seconds: .infinity) ?? -1
  }

  /// Waits for the end, and kills what does not come to it.
  ///
  /// - Parameter seconds: The longest time.
  /// - Returns: The exit status, or 128 plus the signal that ended it; nil where
  ///   it was killed.
  public func wait(seconds: Double) -> Int32? {
    let start = ContinuousClock.now
    var pause: UInt32 = 100
    var status: Int32 = 0
    while true {
      let found = waitpid(id, &status, WNOHANG)
      if found == id { break }
      guard found == 0 || errno == EINTR else { return nil }
      if start.duration(to: .now) > .seconds(min(seconds, 1e9)) {
        kill(id, SIGKILL)
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        return nil
      }
      usleep(pause)
      pause = min(pause * 2, 5000)
    }
    // As WIFSIGNALED and WEXITSTATUS do.
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  private static func withPointers<Result>(
    to texts: [String],
    _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
  }
}
