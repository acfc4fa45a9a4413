internal import Foundation

/// A new folder that is removed with everything in it when the object goes.
public final class TemporaryDirectory: Sendable {
  /// The folder's path.
  public let path: String

  /// Makes a new, empty folder.
  ///
  /// - Parameter inMemory: Whether it shall be on a file system in memory,
  ///   where the system has one: for tests that write very often.
  /// - Throws: What making it throws.
  public init(inMemory: Bool = false) throws {
    let memory = URL(fileURLWithPath: "/dev/shm")
    let isThere = FileManager.default.isWritableFile(atPath: memory.path)
    let parent =
      inMemory && isThere ? memory : FileManager.default.temporaryDirectory
    let url = parent.appendingPathComponent("pth-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: url,
      withIntermediateDirectories: true
    )
    path = url.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of a file or folder in it.
  ///
  /// - Parameter name: The path below this folder.
  /// - Returns: The full path.
  public func file(_ name: String) -> String { path + "/" + name }

  /// The names in it, sorted, hidden ones too.
  ///
  /// - Returns: File names without folders.
  /// - Throws: What listing the folder throws.
  public func names() throws -> [String] { try Self.names(in: path) }

  /// The names in any folder, sorted, hidden ones too.
  ///
  /// - Parameter path: The folder's path.
  /// - Returns: File names without folders.
  /// - Throws: What listing the folder throws.
  public static func names(in path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}

/// Calls `body` with a new folder, which is gone afterwards.
///
/// - Parameter body: Uses the folder.
/// - Returns: What `body` returns.
/// - Throws: What `body` and making the folder throw.
public func withTemporaryDirectory<Result>(
  _ body: (TemporaryDirectory) throws -> Result
) throws -> Result {
  let directory = try TemporaryDirectory()
  return try withExtendedLifetime(directory) { try body(directory) }
}
