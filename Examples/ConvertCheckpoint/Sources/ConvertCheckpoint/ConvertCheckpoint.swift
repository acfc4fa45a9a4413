import Foundation
import PthCodec
import Tensors

/// Converts a checkpoint: any format in, any format out.
@main
enum ConvertCheckpoint {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst().map { $0 }
    guard (2...3).contains(arguments.count) else {
      fail("usage: ConvertCheckpoint INPUT OUTPUT [DTYPE]")
    }
    do {
      let dtype = try arguments.dropFirst(2).first.map(dtype(named:))
      try convert(arguments[0], to: arguments[1], dtype: dtype)
    } catch {
      fail("\(error)")
    }
  }

  static func dtype(named name: String) throws -> DType {
    guard let dtype = DType(rawValue: name) else {
      throw CheckpointError(
        .unsupported,
        "there is no dtype \(name)",
        hint: "the names are PyTorch's, float16 for example"
      )
    }
    return dtype
  }

  static func convert(
    _ input: String,
    to output: String,
    dtype: DType?
  ) throws {
    var checkpoint = try Checkpoint.open(input)
    // DistributedDataParallel writes module.fc.weight for fc.weight.
    if let prefix = NameMap.wrapperPrefix(of: checkpoint.tensors.keys) {
      checkpoint = try checkpoint.strippingPrefix(prefix)
    }
    if let dtype { checkpoint = try checkpoint.converted(to: dtype) }
    for loss in try checkpoint.losses(savingTo: output) {
      print("left out: \(loss.path): \(loss.reason)")
    }
    try checkpoint.save(to: output, options: WriteOptions(allowsLoss: true))
    print("\(output): \(checkpoint.tensors.count) tensors")
  }

  static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("ConvertCheckpoint: \(message)\n".utf8))
    exit(1)
  }
}
