#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import SwiftProtobuf

extension Onnx_TensorProto {
  /// Takes the elements as bytes.
  ///
  /// Here, so that nobody else needs Foundation's type of them.
  ///
  /// - Parameter bytes: The elements in row-major order, little-endian.
  package mutating func setElements(_ bytes: [UInt8]) {
    rawData = Data(bytes)
  }
}

extension Onnx_ModelProto {
  /// The model as a file has it, fields in the order of their numbers.
  ///
  /// - Throws: What swift-protobuf throws for a message that is too large.
  package func fileBytes() throws -> [UInt8] {
    try serializedBytes()
  }
}
