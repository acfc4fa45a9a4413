import PthCodec
import Tensors
import TestSupport

/// Checkpoints around pickles that are written by hand, in the text opcodes of
/// protocol 0: what no program writes, but a file may hold.
enum Handmade {
  /// Opens PyTorch's archive of a pickle.
  ///
  /// - Parameters:
  ///   - pickle: Opcodes without the STOP; each letter is one byte.
  ///   - storage: The bytes of storage 0; two floats where it is not given.
  ///   - decoders: For objects of own classes.
  /// - Returns: The checkpoint.
  /// - Throws: What opening it throws.
  static func checkpoint(
    _ pickle: String,
    storage: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 64],
    decoders: ObjectDecoders = [:]
  ) throws -> Checkpoint {
    let bytes = pickle.unicodeScalars.map {
      UInt8(truncatingIfNeeded: $0.value)
    }
    let archive = try Archives.written([
      ("data.pkl", bytes + Array(".".utf8)), ("data/0", storage),
      ("version", Array("3\n".utf8)),
    ])
    return try withTemporaryDirectory { folder in
      let path = folder.file("handmade.pth")
      try writeFile(archive, to: path)
      return try Checkpoint.open(path, decoders: decoders)
    }
  }

  /// What opening an archive of a pickle throws.
  static func fault(_ pickle: String) throws -> CheckpointError? {
    do {
      _ = try checkpoint(pickle)
      return nil
    } catch let error as CheckpointError {
      return error
    }
  }

  /// The storage of two floats.
  static let storage =
    "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI2\ntQ"

  /// An empty OrderedDict.
  static let hooks = "ccollections\nOrderedDict\n(tR"

  /// The tensor [1, 2].
  static let tensor = call(
    "torch._utils",
    "_rebuild_tensor_v2",
    storage + "I0\n(I2\nt(I1\ntI00\n" + hooks
  )

  /// A call of a function with opcodes that push its arguments.
  static func call(
    _ module: String,
    _ name: String,
    _ arguments: String
  ) -> String {
    "c\(module)\n\(name)\n(\(arguments)tR"
  }

  /// A list of values.
  static func list(_ values: [String]) -> String {
    "(l" + values.map { $0 + "a" }.joined()
  }

  /// A dict of a key and a value.
  static func dict(_ key: String, _ value: String) -> String {
    "(d\(key)\(value)s"
  }
}
