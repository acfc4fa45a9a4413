import Foundation
import PthCodec
import TestSupport

/// One process's part of the fixtures.
struct MutationRun {
  /// The file that names the input that is being read.
  static let labelName = "label"

  /// The most memory that the process may ever have had, in kilobytes;
  /// sanitizers need more.
  private static let memoryLimit =
    ProcessInfo.processInfo.environment["PTH_MUTATION_MEMORY"]
    .flatMap { Int($0) } ?? 640 << 10
  /// The most processor time for one thing that is done with an input; debug
  /// builds are slow.
  private static let seconds = Int(
    (_isDebugAssertConfiguration() ? 20 : 2) * TestTime.factor
  )
  /// Larger files are changed in every eighth round only.
  private static let smallSize = 1 << 16
  /// The processor time after which no new round begins.
  private static let budget = 12.0

  private let shard: Int
  private let folder: String
  private let fixtures: [String]
  /// How many changed copies of each file there are; nil leaves that to the
  /// budget.
  private let rounds: Int?

  init(shard: Int, folder: String) throws {
    self.shard = shard
    self.folder = folder
    let all = try Self.files()
    fixtures = stride(from: shard, to: all.count, by: MutationTests.shards)
      .map { all[$0] }
    let wish = ProcessInfo.processInfo.environment["PTH_MUTATIONS"]
    rounds = wish.flatMap { Int($0) }.map { max(1, $0 / max(1, all.count)) }
  }

  /// The fixtures that are some format's files, by their path below
  /// `fixtures/`.
  private static func files() throws -> [String] {
    let others = ["py", "md", "txt", "u8"]
    let documents = ["manifest.json", "digests.json", "reference.json"]
    let names = try FileManager.default.subpathsOfDirectory(
      atPath: Fixture.path("")
    )
    return names.filter { name in
      let last = (name as NSString).lastPathComponent
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(
        atPath: Fixture.path(name),
        isDirectory: &isFolder
      ) && !isFolder.boolValue
        && !others.contains((name as NSString).pathExtension)
        && !documents.contains(last) && last != "expected.json"
        // A million nested lists take minutes where nothing is optimised, and
        // other tests read them.
        && !(_isDebugAssertConfiguration() && last.hasPrefix("deep_"))
    }
    .sorted()
  }

  func run() throws {
    for name in fixtures {
      try read(Fixture.bytes(name), name, "\(name), unchanged")
    }
    var mutators = try fixtures.indices.map { index in
      try Mutator(
        seed: UInt64(index * MutationTests.shards + shard),
        for: fixtures[index],
        donor: Fixture.bytes(fixtures[(index * 7 + 1) % fixtures.count])
      )
    }
    var round = 0
    while rounds.map({ round < $0 }) ?? (Self.processorTime < Self.budget) {
      for (index, name) in fixtures.enumerated() {
        let bytes = try Fixture.bytes(name)
        guard bytes.count <= Self.smallSize || round % 8 == 0 else { continue }
        let damaged = mutators[index].mutated(bytes)
        try read(damaged, name, "\(name), round \(round)")
      }
      round += 1
    }
    limitTime(0)
    print("\(round) rounds of \(fixtures.count) files")
  }

  /// The processor time of this process so far, in seconds.
  private static var processorTime: Double {
    Double(clock()) / Double(CLOCKS_PER_SEC)
  }

  private func read(
    _ bytes: [UInt8],
    _ name: String,
    _ label: String
  ) throws {
    let place = try Place(of: name, in: folder)
    try writeFile(bytes, to: place.file)
    let labelFile = folder + "/" + Self.labelName
    try writeFile(label.utf8, to: labelFile)
    limitTime(Self.seconds)
    var fault: String?
    if place.isPickle { fault = UntrustedFile.exercise(pickle: bytes) }
    let errors = UntrustedFile.exercise(
      place.path,
      rewritingTo: folder + "/output",
      beginning: { what in
        limitTime(Self.seconds)
        try? writeFile("\(label): \(what)".utf8, to: labelFile)
      }
    )
    // Every refusal says something.
    if errors.contains("") { fault = fault ?? "an error without words" }
    if let peak = Self.peakMemory(), peak > Self.memoryLimit {
      fault = fault ?? "the process has had \(peak) kB"
    }
    // The input stays where it is to be looked at.
    if let fault { throw Fault(description: "\(label): \(fault)") }
    place.clear()
  }

  private struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  /// Ends the process when so much more processor time has passed; 0 never.
  private func limitTime(_ seconds: Int) {
    var limit = itimerval()
    limit.it_value.tv_sec = seconds
    setitimer(itimerProf, &limit, nil)
  }

  /// The most memory that this process has had, in kB, where that is told.
  private static func peakMemory() -> Int? {
    let status = try? String(
      contentsOfFile: "/proc/self/status",
      encoding: .utf8
    )
    let line = status?.split(separator: "\n").first {
      $0.hasPrefix("VmHWM:")
    }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first
      .flatMap { Int($0) }
  }
}

#if canImport(Darwin)
  private let itimerProf = ITIMER_PROF
#else
  private let itimerProf = __itimer_which_t(2)  // ITIMER_PROF
#endif

/// Where an input is put so that its reader finds it, beside what it names.
private struct Place {
  /// What the input is written to.
  let file: String
  /// What is opened: the file, or the folder that is the checkpoint.
  let path: String
  let isPickle: Bool

  private let folder: String

  init(of name: String, in parent: String) throws {
    let manager = FileManager.default
    let last = (name as NSString).lastPathComponent
    folder = parent + "/input"
    try manager.createDirectory(
      atPath: folder,
      withIntermediateDirectories: true
    )
    file = folder + "/" + last
    path = last == ".metadata" ? folder : file
    isPickle = last.hasSuffix(".pkl") || last.hasPrefix("pickle-")
    guard last == ".metadata" || last.hasSuffix(".index.json") else { return }
    let source = (Fixture.path(name) as NSString).deletingLastPathComponent
    for other in try manager.contentsOfDirectory(atPath: source)
    where other != last {
      try manager.createSymbolicLink(
        atPath: folder + "/" + other,
        withDestinationPath: source + "/" + other
      )
    }
  }

  func clear() {
    try? FileManager.default.removeItem(atPath: folder)
  }
}
