import CLibFuzzer
import Glibc

nonisolated(unsafe) private var current = Target.pickle

/// Runs one fuzz target: `fuzz TARGET FIXTURES [libFuzzer's arguments]`.
@main
enum Main {
  /// The most processor time for one thing that is done with an input: what
  /// takes one second takes several with both sanitizers in it.
  private static let seconds = 10

  static func main() {
    guard CommandLine.argc > 2,
      let target = Target(rawValue: argument(1))
    else {
      let names = Target.allCases.map(\.rawValue).joined(separator: " ")
      print("usage: fuzz TARGET FIXTURES [options] [corpus]; one of \(names)")
      exit(64)
    }
    current = target
    Scratch.make(fixtures: argument(2))
    // libFuzzer's own limit is of the wall's time, which says nothing on a
    // busy machine: this one is of the processor's. Its signal is a crash.
    signal(SIGPROF) { _ in abort() }
    CommandLine.unsafeArgv[2] = CommandLine.unsafeArgv[0]
    var count = CommandLine.argc - 2
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
      CommandLine.unsafeArgv + 2
    exit(
      LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        current.run(
          UnsafeRawBufferPointer(start: data, count: size),
          limitTime: Main.limitTime
        )
        return 0
      }
    )
  }

  private static func argument(_ index: Int) -> String {
    CommandLine.unsafeArgv[index].map { String(cString: $0) } ?? ""
  }

  private static func limitTime() {
    var limit = itimerval()
    limit.it_value.tv_sec = seconds
    setitimer(.init(ITIMER_PROF.rawValue), &limit, nil)
  }
}
