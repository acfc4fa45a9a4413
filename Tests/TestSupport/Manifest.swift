internal import Foundation

/// A folder's `manifest.json`: what the writing library finds in each file.
public struct Manifest: Decodable, Sendable {
  /// The library that wrote the files and their descriptions.
  public let writer: String
  /// One entry a file.
  public let files: [Entry]

  /// A file and what is in it.
  public struct Entry: Decodable, Sendable, CustomStringConvertible {
    /// The path below the manifest's folder.
    public let file: String
    /// The format's name, as `pth info --json` gives it.
    public let format: String
    /// The pickle protocol, where there is a pickle.
    public let `protocol`: Int?
    /// `big` for swapped storages.
    public let byteOrder: String?
    /// The tensors in the object's order.
    public let tensors: [TensorEntry]
    /// The sparse tensors; their parts are among `tensors`.
    public let sparse: [SparseEntry]?
    /// The numpy arrays.
    public let arrays: [ArrayEntry]?
    /// The bare storages.
    public let storages: [StorageEntry]?
    /// The other values.
    public let values: [ValueEntry]?
    /// The format's own texts.
    public let metadata: [String: String]?
    /// False where the writing torch can't read its own file.
    public let torchLoads: Bool?
    /// Whether `torch.load(weights_only=True)` reads the file.
    public let weightsOnly: Bool?

    public var description: String { file }
  }

  /// A tensor as PyTorch sees it.
  public struct TensorEntry: Decodable, Sendable {
    public let name: String
    public let dtype: String
    public let shape: [Int]
    public let strides: [Int]?
    public let offset: Int?
    /// Equal numbers in a file share memory; nil on the meta device.
    public let storage: Int?
    /// Over the elements in row-major order; nil on the meta device.
    public let sha256: String?
    /// The same before a conj or neg view's operation.
    public let storedSha256: String?
    public let requiresGrad: Bool?
    public let conj: Bool?
    public let neg: Bool?
    public let meta: Bool?
    public let quantization: QuantizationEntry?
  }

  /// How quantized integers stand for numbers.
  public struct QuantizationEntry: Decodable, Sendable {
    public let scheme: String
    public let scale: Double?
    public let zeroPoint: Int?
    public let scales: [Double]?
    public let zeroPoints: [Double]?
    public let axis: Int?
  }

  /// A sparse tensor as a whole.
  public struct SparseEntry: Decodable, Sendable {
    public let name: String
    public let layout: String
    public let dtype: String
    public let shape: [Int]
  }

  /// A numpy array.
  public struct ArrayEntry: Decodable, Sendable {
    public let path: String
    /// numpy's `dtype.str`, `<f4` for example.
    public let dtype: String
    public let shape: [Int]
    public let sha256: String
  }

  /// A storage without a tensor.
  public struct StorageEntry: Decodable, Sendable {
    public let path: String
    public let dtype: String
    public let count: Int
    public let storage: Int
    public let sha256: String
  }

  /// A value that is no tensor.
  public struct ValueEntry: Decodable, Sendable {
    public let path: String
    /// Python's name of the type.
    public let type: String
    /// Python's `repr`.
    public let value: String
  }

  /// Reads the manifest of a folder of fixtures.
  ///
  /// - Parameter folder: The path below `fixtures/`, `torch-2.13` for example.
  /// - Returns: The manifest.
  /// - Throws: What reading the file and `JSONDecoder` throw.
  public static func load(_ folder: String) throws -> Manifest {
    let bytes = try Fixture.bytes(folder + "/manifest.json")
    return try JSONDecoder().decode(Manifest.self, from: Data(bytes))
  }

  /// The entry of one file.
  ///
  /// - Parameter file: The path below the manifest's folder.
  /// - Returns: The entry; nil where there is none.
  public func entry(_ file: String) -> Entry? {
    files.first { $0.file == file }
  }
}
