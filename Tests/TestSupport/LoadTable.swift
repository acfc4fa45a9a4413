internal import Foundation

/// `fixtures/loading/torch-*.json`: what a version of torch says to files.
public struct LoadTable: Decodable, Sendable {
  /// The ways to load.
  public let modes: [Mode]
  /// The files, whole and damaged.
  public let rows: [Row]

  /// The arguments of `torch.load`.
  public struct Mode: Decodable, Sendable {
    /// `weights_only=True`.
    public let weightsOnly: Bool
    /// `mmap=True`.
    public let mmap: Bool

    private enum Key: String, CodingKey {
      case weightsOnly = "weights_only"
      case mmap
    }

    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: Key.self)
      weightsOnly =
        try values.decodeIfPresent(Bool.self, forKey: .weightsOnly) ?? false
      mmap = try values.decodeIfPresent(Bool.self, forKey: .mmap) ?? false
    }
  }

  /// A file and what becomes of it.
  public struct Row: Decodable, Sendable, CustomStringConvertible {
    /// The fixture.
    public let file: String
    /// What is changed in it.
    public let change: Change?
    /// For each mode nil where it loads, `garbage`, or the error.
    public let outcomes: [String?]

    public var description: String {
      change.map { "\(file) \($0)" } ?? file
    }

    /// The file's bytes with the change.
    ///
    /// - Returns: The bytes that torch was given.
    /// - Throws: What reading the fixture throws.
    public func bytes() throws -> [UInt8] {
      var bytes = try Fixture.bytes(file)
      switch change {
      case nil: break
      case .cut(let length): bytes.removeLast(bytes.count - length)
      case .flip(let offset, let bit): bytes[offset] ^= 1 << bit
      }
      return bytes
    }
  }

  /// A damage.
  public enum Change: Decodable, Sendable {
    /// The file ends after so many bytes.
    case cut(Int)
    /// One bit is flipped.
    case flip(offset: Int, bit: UInt8)

    public init(from decoder: any Decoder) throws {
      var values = try decoder.unkeyedContainer()
      switch try values.decode(String.self) {
      case "cut": self = .cut(try values.decode(Int.self))
      default:
        self = .flip(
          offset: try values.decode(Int.self),
          bit: try values.decode(UInt8.self)
        )
      }
    }
  }

  /// Reads the table of a version.
  ///
  /// - Parameter version: `torch-1.13` or `torch-2.13`.
  /// - Returns: The table.
  /// - Throws: What reading the file and `JSONDecoder` throw.
  public static func load(_ version: String) throws -> LoadTable {
    let bytes = try Fixture.bytes("loading/\(version).json")
    return try JSONDecoder().decode(LoadTable.self, from: Data(bytes))
  }
}
