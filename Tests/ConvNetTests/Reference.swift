import Foundation
import Tensors
import TestSupport

/// What PyTorch computed: `fixtures/convnet`.
struct Reference: Decodable {
  struct Exact: Decodable {
    let random: [String: Random]
    let initial: [String: String]
    let loaders: Loaders
  }
  struct Random: Decodable {
    let randperm: [Int]
    let int64: [Int64]
    let uniform: [Float]
    let state: String
  }
  struct Loaders: Decodable {
    let epochs: [[String: [[Int]]]]
    let state: String
  }
  struct Steps: Decodable {
    let losses: [Double]
    let norms: [Double]
    let hits: [Int]
    let firstGradients: [String: [Double]]
    let parameters: [String: [Double]]
    let probabilities: [Double]
  }
  struct Procedure: Decodable {
    struct Epoch: Decodable {
      let trainingLoss: Double
      let trainingAccuracy: Float
      let validationLoss: Double
      let validationAccuracy: Float
      let testAccuracy: Double
    }
    let epochs: [Epoch]
    let state: String
  }
  struct Evaluation: Decodable {
    let statistics: [String: [Float]]
    let probabilities: [Double]
    let loss: Double
    let logitsLoss: Double
    let argmax: [Int]
  }
  enum Metadata: Decodable, Equatable {
    case path(String)
    case version(Int)
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let version = try? container.decode(Int.self) {
        self = .version(version)
      } else {
        self = .path(try container.decode(String.self))
      }
    }
  }

  let exact: Exact
  let steps: [String: Steps]
  let procedure: Procedure
  let evaluation: Evaluation
  let metadata: [[Metadata]]

  static let shared: Result<Reference, any Error> = Result {
    let bytes = try Fixture.bytes("convnet/reference.json")
    return try JSONDecoder().decode(Reference.self, from: Data(bytes))
  }

  static func load() throws -> Reference { try shared.get() }

  /// The first images of MNIST, 0...1.
  static func images(_ range: Range<Int>) throws -> Tensor {
    let bytes = try Fixture.bytes("convnet/images.u8")
    let pixels = bytes[range.lowerBound * 784..<range.upperBound * 784]
    return try Tensor(
      pixels.map { Float($0) / 255 },
      shape: [range.count, 1, 28, 28]
    )
  }

  static func labels(_ range: Range<Int>) throws -> Tensor {
    try Tensor(Fixture.bytes("convnet/labels.u8")[range].map { Int64($0) })
  }
}

/// Evenly spread elements, as the reference's script takes them.
func sample(_ tensor: Tensor, count: Int = 64) throws -> [Double] {
  let values: [Double] =
    tensor.dtype == .int64
    ? try tensor.elements(as: Int64.self).map(Double.init)
    : try tensor.elements(as: Float.self).map(Double.init)
  let step = max(1, values.count / count)
  return stride(from: 0, to: values.count, by: step).prefix(count).map {
    values[$0]
  }
}

/// The largest distance of two equally long lists.
func distance(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}
