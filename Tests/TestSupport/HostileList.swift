internal import Foundation

/// `fixtures/hostile/manifest.json`: what each hostile file tries.
public struct HostileList: Decodable, Sendable {
  /// One entry a file.
  public let files: [Entry]

  /// A file and its trick.
  public struct Entry: Decodable, Sendable, CustomStringConvertible {
    /// The path below `fixtures/hostile/`.
    public let file: String
    /// What it tries.
    public let trick: String
    /// The verdict of a scan: `clean`, `unknown` or `dangerous`.
    public let scan: String?
    /// Whether an archive still holds all data, in order, beside its trick.
    public let dataIsWhole: Bool?

    public var description: String { file }
  }

  /// Reads the list.
  ///
  /// - Returns: The list.
  /// - Throws: What reading the file and `JSONDecoder` throw.
  public static func load() throws -> HostileList {
    let bytes = try Fixture.bytes("hostile/manifest.json")
    return try JSONDecoder().decode(HostileList.self, from: Data(bytes))
  }
}
