import TestSupport

/// What `pth info --json` prints of a file: every key that its documentation
/// names.
struct InfoReport: Decodable {
  let file: String
  let format: String
  let byteOrder: String
  let tensors: [Tensor]
  let values: [Value]

  struct Tensor: Decodable {
    let name: String
    let dtype: String
    let shape: [Int]
    let strides: [Int]
    let offset: Int
    let storage: Int?
    let bytes: Int
    let sha256: String?
  }

  struct Value: Decodable {
    let path: String
    let type: String
  }

  /// The tensors' names in the file's order.
  var names: [String] { tensors.map(\.name) }

  /// What is in the file at a path.
  static func of(_ path: String) throws -> InfoReport {
    try PthTool.run("info", "--json", path).json()
  }
}
