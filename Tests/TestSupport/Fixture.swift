internal import Foundation

/// The small real files under `fixtures/`.
public enum Fixture {
  /// The package's root folder, found from this file's own place.
  public static let packageRoot: String = {
    var folder = URL(fileURLWithPath: #filePath)
    let manager = FileManager.default
    repeat {
      folder.deleteLastPathComponent()
    } while folder.path != "/"
      && !manager.fileExists(atPath: folder.path + "/Package.swift")
    return folder.path
  }()

  /// The path of a fixture.
  ///
  /// - Parameter name: The path below `fixtures/`, `torch-2.13/bare.pth` for
  ///   example.
  /// - Returns: The full path.
  public static func path(_ name: String) -> String {
    packageRoot + "/fixtures/" + name
  }

  /// The content of a fixture.
  ///
  /// - Parameter name: The path below `fixtures/`.
  /// - Returns: All bytes.
  /// - Throws: What reading the file throws.
  public static func bytes(_ name: String) throws -> [UInt8] {
    try readFile(path(name))
  }

  /// The names of the files in a folder of fixtures, sorted.
  ///
  /// - Parameters:
  ///   - folder: The path below `fixtures/`.
  ///   - suffix: What the names end with, `.pth` for example.
  /// - Returns: Names that ``path(_:)`` takes.
  /// - Throws: What listing the folder throws.
  public static func names(
    in folder: String,
    suffix: String = ""
  ) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(folder))
      .filter { $0.hasSuffix(suffix) }
      .sorted()
      .map { folder + "/" + $0 }
  }
}

extension Fixture {
  /// The files of a folder but those that tell of them, sorted.
  ///
  /// - Parameter folder: The path below `fixtures/`.
  /// - Returns: Names that ``path(_:)`` takes.
  /// - Throws: What listing the folder throws.
  public static func checkpoints(in folder: String) throws -> [String] {
    try names(in: folder).filter { name in
      ![".py", ".md", ".json"].contains { name.hasSuffix($0) }
    }
  }
}

/// Reads a whole file.
///
/// - Parameter path: The file's path.
/// - Returns: All bytes.
/// - Throws: What reading throws.
public func readFile(_ path: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
}

/// Writes a whole file.
///
/// - Parameters:
///   - bytes: The content.
///   - path: The file's path; an old file is replaced.
/// - Throws: What writing throws.
public func writeFile(_ bytes: some Sequence<UInt8>, to path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}
