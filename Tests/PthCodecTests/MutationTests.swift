import Foundation
import TestSupport
import Testing

/// Every fixture, and thousands of changed copies of it, through everything
/// that reads files: no trap, no hang, no memory beyond the cap.
///
/// The work is done in processes of its own, so that a crash is a failed test
/// that names its input. `PTH_MUTATIONS=100000` makes it longer.
@Suite("Damage to any file")
struct MutationTests {
  /// Files are dealt out to so many processes.
  static let shards = 4

  @Test(
    "Whatever happens to a fixture, reading it ends in time and in memory",
    arguments: 0..<shards
  )
  func survives(_ shard: Int) async throws {
    let folder = try TemporaryDirectory(inMemory: true)
    let path = folder.path
    let result = await #expect(
      processExitsWith: .success,
      observing: [\.standardErrorContent]
    ) { [shard = shard as Int, path = path as String] in
      try MutationRun(shard: shard, folder: path).run()
    }
    guard result == nil else { return }
    // What was being read is kept for whoever looks into it.
    let kept =
      FileManager.default.temporaryDirectory.path
      + "/pth-mutation-\(shard)-\(getpid())"
    try FileManager.default.copyItem(atPath: path, toPath: kept)
    let label = try? readFile(folder.file(MutationRun.labelName))
    Issue.record(
      """
      the input is in \(kept): \(String(decoding: label ?? [], as: UTF8.self))
      """
    )
  }
}
