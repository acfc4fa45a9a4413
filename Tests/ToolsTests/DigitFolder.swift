import Foundation
import TestSupport

/// Folders of the course's four files, made of the first images of MNIST.
///
/// A test spoils the one file that it is about.
struct DigitFolder {
  /// What a file holds.
  struct Content {
    /// numpy's name of the dtype.
    var dtype: String
    var shape: [Int]
    var bytes: [UInt8]

    /// float32 images, as the script's datasets have them.
    static func images(_ range: Range<Int>) throws -> Content {
      let all = try Fixture.bytes("convnet/images.u8")
      return floats(
        all[range.lowerBound * 784..<range.upperBound * 784].map {
          Float($0) / 255
        },
        [range.count, 1, 28, 28]
      )
    }

    /// int64 labels.
    static func labels(_ range: Range<Int>) throws -> Content {
      integers(try Fixture.bytes("convnet/labels.u8")[range].map(Int64.init))
    }

    static func floats(_ values: [Float], _ shape: [Int]) -> Content {
      Content(dtype: "<f4", shape: shape, bytes: littleEndian(values))
    }

    static func integers(_ values: [Int64]) -> Content {
      Content(dtype: "<i8", shape: [values.count], bytes: littleEndian(values))
    }

    static func littleEndian(_ values: [some Any]) -> [UInt8] {
      values.withUnsafeBytes { [UInt8]($0) }
    }

    /// The array as a file of numpy's.
    var file: [UInt8] {
      let sizes = shape.map { "\($0)," }.joined(separator: " ")
      var header =
        "{'descr': '\(dtype)', 'fortran_order': False, 'shape': (\(sizes)), }"
      while (header.utf8.count + 11) % 64 != 0 { header += " " }
      header += "\n"
      let length = header.utf8.count
      return [0x93] + "NUMPY".utf8
        + [1, 0, UInt8(length % 256), UInt8(length / 256)] + header.utf8
        + bytes
    }
  }

  /// 320 images to train with and 64 to test with; nobody changes it.
  static let good = Result { try make() }

  /// Makes the four files, some of them other than usual.
  static func make(
    _ changes: [String: Content] = [:]
  ) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    for name in names {
      let target = folder.file(name + ".pth")
      if let change = changes[name] {
        try write(change, to: target)
      } else if changes.isEmpty {
        try write(usual(name), to: target)
      } else {
        try FileManager.default.copyItem(
          atPath: good.get().file(name + ".pth"),
          toPath: target
        )
      }
    }
    return folder
  }

  static let names = ["train_data", "train_labels", "test_data", "test_labels"]

  /// What a file holds if nothing is said.
  static func usual(_ name: String) throws -> Content {
    let range = name.hasPrefix("train") ? 0..<320 : 448..<512
    return try name.hasSuffix("data") ? .images(range) : .labels(range)
  }

  private static func write(_ content: Content, to path: String) throws {
    let source = path + ".npy"
    try writeFile(content.file, to: source)
    let run = try PthTool.run("convert", source, path)
    guard run.status == 0 else { throw Unmade(message: run.messages) }
    try FileManager.default.removeItem(atPath: source)
  }

  struct Unmade: Error {
    let message: String
  }

  /// Trains a little; the files are named `hw7_1_liu…`.
  static func train(
    _ data: TemporaryDirectory,
    into output: TemporaryDirectory,
    _ more: String...
  ) throws -> Command.Outcome {
    try PthTool.run(arguments(data, into: output, more))
  }

  static func arguments(
    _ data: TemporaryDirectory,
    into output: TemporaryDirectory,
    _ more: [String]
  ) -> [String] {
    ["train", data.path, "--student-id", "1", "--name", "liu", "--seed", "5"]
      + ["--output", output.path] + more
  }
}
