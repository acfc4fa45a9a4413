import Pickle
import PthCodec
import Tensors

#if canImport(Glibc)
  import Glibc
#endif

/// The tasks, and what they keep between two of them.
final class Bench {
  private var stateDicts: [String: StateDict] = [:]
  private var pickles: [String: PickleSource] = [:]

  /// What a timed task made, until the clock has stopped.
  private var kept: [Any] = []

  struct Unknown: Error, CustomStringConvertible {
    let description: String
  }

  /// Does one task; the seconds that it took are returned.
  func run(_ task: String, _ arguments: [String]) throws -> Double {
    func argument(_ index: Int) throws -> String {
      guard index < arguments.count else {
        throw Unknown(description: "\(task) needs more arguments")
      }
      return arguments[index]
    }
    func number(_ index: Int) throws -> Int {
      guard let number = Int(try argument(index)) else {
        throw Unknown(description: "\(task): \(arguments[index]): no number")
      }
      return number
    }
    defer { kept = [] }
    switch task {
    case "trim":
      trim()
      return 0
    case "hold":
      // Not timed: the tensors of a file, in memory, under a name.
      let checkpoint = try Checkpoint.open(argument(1))
      stateDicts[try argument(0)] = try checkpoint.stateDict.inMemory()
      return 0
    case "map":
      // Not timed: tensors in a mapped file, as many bytes as asked for.
      stateDicts[try argument(0)] = try mapped(argument(1), bytes: number(2))
      return 0
    case "make":
      stateDicts[try argument(0)] = try made(number(1), bytes: number(2))
      return 0
    case "release":
      stateDicts[try argument(0)] = nil
      return 0
    case "open":
      let path = try argument(0)
      return try time { try Checkpoint.open(path) }
    case "decode":
      let path = try argument(0)
      let source = try pickles[path] ?? pickle(of: path)
      pickles[path] = source
      return try time { try Unpickler.decode(source) }
    case "save", "save-durable":
      guard let stateDict = stateDicts[try argument(0)] else {
        throw Unknown(description: "nothing is held as \(arguments[0])")
      }
      let path = try argument(1)
      let options = options(isDurable: task == "save-durable")
      return try time {
        try Checkpoint(stateDict).save(to: path, options: options)
      }
    case "verify":
      let path = try argument(0)
      return try time {
        let report = try FileVerifier.verify(path)
        guard report.findings.isEmpty else {
          throw Unknown(description: "\(report.findings)")
        }
        return report
      }
    case "touch":
      let path = try argument(0)
      return try time { try touch(path) }
    case "load":
      let path = try argument(0)
      return try time { try Checkpoint.open(path).stateDict.inMemory() }
    case "arrays":
      let (images, labels) = (try argument(0), try argument(1))
      return try time {
        let images = try Checkpoint.open(images).tensor("data")
        let labels = try Checkpoint.open(labels).tensor("data")
        return (
          try images.elements(as: Float.self),
          try labels.elements(as: Int64.self)
        )
      }
    case "spans":
      let (images, labels) = (try argument(0), try argument(1))
      return try time {
        let images = try Checkpoint.open(images).tensor("data")
        let labels = try Checkpoint.open(labels).tensor("data")
        return try sum(images) &+ sum(labels)
      }
    case "convert", "convert-durable":
      let (input, output) = (try argument(0), try argument(1))
      let options = options(isDurable: task == "convert-durable")
      return try time {
        try Checkpoint.open(input).save(to: output, options: options)
      }
    default:
      throw Unknown(description: "there is no task \(task)")
    }
  }

  /// Gives the system back what is free, where the C library can.
  private func trim() {
    #if canImport(Glibc)
      guard let symbol = unsafe dlsym(nil, "malloc_trim") else { return }
      let trim = unsafe unsafeBitCast(
        symbol,
        to: (@convention(c) (Int) -> Int32).self
      )
      _ = trim(0)
    #endif
  }

  private func options(isDurable: Bool) -> WriteOptions {
    WriteOptions(durability: isDurable ? .synchronized : .deferred)
  }

  private func time(_ work: () throws -> Any) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    kept.append(try work())
    return (clock.now - start) / .seconds(1)
  }
}
