import Foundation
import TestSupport
import Testing

/// Data that can't be trained with is named before anything is written.
@Suite("pth train with bad data")
struct TrainInputTests {
  typealias Content = DigitFolder.Content

  /// A spoilt file and what is said of it, `FILE` standing for its path.
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let file: String
    let content: @Sendable () throws -> Content
    let message: String
  }

  static let cases: [Case] = [
    Case(
      testDescription: "images without the channel",
      file: "train_data",
      content: { try reshaped("train_data", [320, 784]) },
      message: "FILE: the tensor has the shape [320, 784], expected [N, 1, 28, "
        + "28]"
    ),
    Case(
      testDescription: "images of another size",
      file: "test_data",
      content: { .floats([Float](repeating: 0, count: 2048), [2, 1, 32, 32]) },
      message: "FILE: the tensor has the shape [2, 1, 32, 32], expected [N, 1, "
        + "28, 28]"
    ),
    Case(
      testDescription: "images in double precision",
      file: "test_data",
      content: {
        Content(
          dtype: "<f8",
          shape: [64, 1, 28, 28],
          bytes: [UInt8](repeating: 0, count: 64 * 784 * 8)
        )
      },
      message: "FILE: the tensor has the dtype float64, expected float32; `pth "
        + "convert --dtype float32` changes it"
    ),
    Case(
      testDescription: "images as bytes",
      file: "train_data",
      content: {
        Content(
          dtype: "|u1",
          shape: [320, 1, 28, 28],
          bytes: try Array(Fixture.bytes("convnet/images.u8")[0..<320 * 784])
        )
      },
      message: "FILE: the tensor has the dtype uint8, expected float32; `pth "
        + "convert --dtype float32` changes it"
    ),
    Case(
      testDescription: "labels of two dimensions",
      file: "train_labels",
      content: { try reshaped("train_labels", [320, 1]) },
      message: "FILE: the tensor has the shape [320, 1], expected [N]"
    ),
    Case(
      testDescription: "labels of 32 bits",
      file: "test_labels",
      content: {
        Content(
          dtype: "<i4",
          shape: [64],
          bytes: [UInt8](repeating: 0, count: 256)
        )
      },
      message: "FILE: the tensor has the dtype int32, expected int64; `pth "
        + "convert --dtype int64` changes it"
    ),
    Case(
      testDescription: "labels as numbers with a point",
      file: "train_labels",
      content: { .floats([Float](repeating: 1, count: 320), [320]) },
      message: "FILE: the tensor has the dtype float32, expected int64; `pth "
        + "convert --dtype int64` changes it"
    ),
    Case(
      testDescription: "one label too few to train with",
      file: "train_labels",
      content: { try .labels(0..<319) },
      message: "FILE: there are 320 images but 319 labels; do the two files "
        + "belong together?"
    ),
    Case(
      testDescription: "one image too many to test with",
      file: "test_data",
      content: { try .images(447..<512) },
      message: "test_labels.pth: there are 65 images but 64 labels; do the two "
        + "files belong together?"
    ),
    Case(
      testDescription: "a label of 10",
      file: "train_labels",
      content: { try labels("train_labels", changing: 7, to: 10) },
      message: "FILE: label 7 is 10, expected a digit from 0 to 9"
    ),
    Case(
      testDescription: "a label below 0",
      file: "test_labels",
      content: { try labels("test_labels", changing: 63, to: .min) },
      message:
        "FILE: label 63 is -9223372036854775808, expected a digit from 0 "
        + "to 9"
    ),
    Case(
      testDescription: "NaN in an image to train with",
      file: "train_data",
      content: { try pixel("train_data", image: 319, 27, 26, .nan) },
      message:
        "FILE: image 319 has nan at row 27, column 26; expected a finite "
        + "number"
    ),
    Case(
      testDescription: "an infinity in an image to test with",
      file: "test_data",
      content: { try pixel("test_data", image: 0, 0, 3, -.infinity) },
      message: "FILE: image 0 has -inf at row 0, column 3; expected a finite "
        + "number"
    ),
  ]

  static func reshaped(_ name: String, _ shape: [Int]) throws -> Content {
    var content = try DigitFolder.usual(name)
    content.shape = shape
    return content
  }

  static func labels(
    _ name: String,
    changing index: Int,
    to label: Int64
  ) throws -> Content {
    var content = try DigitFolder.usual(name)
    content.bytes.replaceSubrange(
      index * 8..<index * 8 + 8,
      with: Content.littleEndian([label])
    )
    return content
  }

  static func pixel(
    _ name: String,
    image: Int,
    _ row: Int,
    _ column: Int,
    _ value: Float
  ) throws -> Content {
    var content = try DigitFolder.usual(name)
    let start = ((image * 28 + row) * 28 + column) * 4
    content.bytes.replaceSubrange(
      start..<start + 4,
      with: Content.littleEndian([value])
    )
    return content
  }

  /// Trains with bad data: the message is returned, and nothing is written.
  private static func refusal(
    _ data: TemporaryDirectory,
    status: Int32 = 65
  ) throws -> String {
    try withTemporaryDirectory { output in
      let run = try DigitFolder.train(
        data,
        into: output,
        "--save-state",
        output.file("state.pth")
      )
      #expect(run.status == status, "\(run.messages)")
      #expect(run.output.isEmpty)
      #expect(try output.names() == [])
      return run.messages
    }
  }

  @Test("is refused by name and place", arguments: cases)
  func refuses(_ one: Case) throws {
    let data = try DigitFolder.make([one.file: one.content()])
    let message = one.message
      .replacing("FILE", with: data.file(one.file + ".pth"))
    let told = try Self.refusal(data)
    #expect(told.hasPrefix("pth: error: \(data.path)/"))
    #expect(told.hasSuffix(message + "\n"), "\(told)")
  }

  @Test("too few images for a batch are told, and how many there must be")
  func tooFew() throws {
    let data = try DigitFolder.make([
      "train_data": .images(0..<150), "train_labels": .labels(0..<150),
    ])
    let told = try Self.refusal(data)
    #expect(
      told.contains("the validation part has 15 images, expected at least 16")
    )
    let empty = try DigitFolder.make([
      "test_data": .images(0..<0), "test_labels": .labels(0..<0),
    ])
    #expect(try Self.refusal(empty).contains("the test set has 0 images"))
  }

  @Test("a missing file is named", arguments: DigitFolder.names)
  func missing(_ name: String) throws {
    let data = try DigitFolder.make(["test_labels": .labels(448..<512)])
    try FileManager.default.removeItem(atPath: data.file(name + ".pth"))
    let told = try Self.refusal(data, status: 66)
    #expect(told.hasPrefix("pth: error: \(data.file(name + ".pth")): "))
  }

  @Test("a file with other things than one tensor is named")
  func otherObject() throws {
    let data = try DigitFolder.make(["test_labels": .labels(448..<512)])
    let file = data.file("train_labels.pth")
    try writeFile(Fixture.bytes("mnist/hw7_trained.pth"), to: file)
    let told = try Self.refusal(data)
    #expect(told.hasPrefix("pth: error: \(file): it holds 20 tensors, not one"))
  }

  @Test(
    "a state to go on from that is none is told, with what is missing",
    arguments: [
      ("mnist/hw7_trained.pth", "it has no epoch"),
      ("torch-2.13/training.pth", "it has no "),
    ]
  )
  func badState(name: String, message: String) throws {
    try withTemporaryDirectory { output in
      let state = Fixture.path(name)
      let run = try PthTool.run(
        DigitFolder.arguments(
          DigitFolder.good.get(),
          into: output,
          ["--resume", state]
        )
      )
      #expect(run.status == 65)
      #expect(run.messages.hasPrefix("pth: error: \(state): \(message)"))
      #expect(run.messages.contains("expected a state of `pth train"))
      #expect(try output.names() == [])
    }
  }
}
