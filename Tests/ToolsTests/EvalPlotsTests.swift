import Foundation
import TestSupport
import Testing

/// `pth eval --plots` as a user runs it.
@Suite("pth eval --plots")
struct EvalPlotsTests {
  private static let trained = Fixture.path("mnist/hw7_trained.pth")
  private static let pictures = [
    "hw7_trained_confusion.png", "hw7_trained_confusion.svg",
    "hw7_trained_errors.png", "hw7_trained_errors.svg",
  ]

  private struct Report: Decodable {
    let images: Int
    let confusion: [[Int]]
  }

  /// The whole test set of the fixtures, of which 36 images are misclassified.
  private static func testSet() throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    for (part, name) in [("images-idx3", "data"), ("labels-idx1", "labels")] {
      let run = try PthTool.run(
        "convert",
        Fixture.path("mnist/t10k-\(part)-ubyte.gz"),
        folder.file("test_\(name).pth")
      )
      #expect(run.status == 0, "\(run.messages)")
    }
    return folder
  }

  /// The texts of an SVG, in order.
  private static func texts(_ path: String) throws -> [String] {
    String(decoding: try readFile(path), as: UTF8.self)
      .split(separator: "\n")
      .filter { $0.contains("<tspan") }
      .map { line in
        line.replacing(/<[^>]*>/, with: "")
          .trimmingCharacters(in: .whitespaces)
      }
  }

  private static func isPNG(_ path: String) throws -> Bool {
    try readFile(path).starts(with: [0x89, 0x50, 0x4e, 0x47])
  }

  @Test("oneDNN is loaded by what predicts alone, and missed by name")
  func missesOneDNN() throws {
    let data = try Self.testSet()
    try withTemporaryDirectory { folder in
      try writeFile([0x7f], to: folder.file("libdnnl.so.2"))
      let environment = ["LD_LIBRARY_PATH": folder.path]
      let read = try PthTool.run(
        ["info", Self.trained],
        environment: environment
      )
      #expect(read.status == 0, "\(read.messages)")
      let run = try PthTool.run(
        ["eval", Self.trained, data.path],
        environment: environment
      )
      #expect(run.status == 74)
      #expect(
        run.messages.hasPrefix(
          "pth: error: oneDNN, which trains and predicts, can't be loaded: "
            + "\(folder.file("libdnnl.so.2")): "
        )
      )
    }
  }

  @Test("draws the confusion matrix and the misclassified images")
  func draws() throws {
    let data = try Self.testSet()
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        ["eval", Self.trained, data.path, "--plots", "--json"]
          + ["--output", folder.path]
      )
      #expect(run.status == 0, "\(run.messages)")
      #expect(try folder.names() == Self.pictures)
      for name in Self.pictures {
        #expect(run.messages.contains("saved \(folder.file(name))\n"))
        if name.hasSuffix("png") {
          #expect(try Self.isPNG(folder.file(name)))
        }
      }
      let report: Report = try run.json()
      // Every count is in the picture, each as often as it is in the matrix.
      let drawn = try Self.texts(folder.file(Self.pictures[1]))
      #expect(drawn.contains("predicted digit"))
      #expect(drawn.contains("true digit"))
      #expect(drawn.contains("2000 images, 36 misclassified"))
      for count in Set(report.confusion.joined()) where count > 9 {
        #expect(
          drawn.count { $0 == "\(count)" }
            == report.confusion.joined().count { $0 == count }
        )
      }
      // A caption for every misclassified image, and no other.
      let captions = try Self.texts(folder.file(Self.pictures[3]))
      var expected: [String] = []
      for (digit, row) in report.confusion.enumerated() {
        for (answer, count) in row.enumerated() where answer != digit {
          expected += Array(repeating: "\(digit) as \(answer)", count: count)
        }
      }
      #expect(expected.count == 36)
      #expect(captions.sorted() == expected.sorted())
    }
  }

  @Test("draws no sheet where all is right, and shows at most 100 images")
  func bounds() throws {
    try withTemporaryDirectory { folder in
      let right = try DigitFolder.make([
        "test_data": .images(0..<4), "test_labels": .labels(0..<4),
      ])
      let run = try PthTool.run(
        ["eval", Self.trained, right.path, "--plots"]
          + ["--output", folder.path]
      )
      #expect(run.status == 0, "\(run.messages)")
      #expect(run.text.contains("no image is misclassified"))
      #expect(try folder.names() == Array(Self.pictures.prefix(2)))
      let wrong = try DigitFolder.make([
        "test_data": .images(0..<150),
        "test_labels": .integers(
          Fixture.bytes("convnet/labels.u8")[0..<150].map {
            (Int64($0) + 1) % 10
          }
        ),
      ])
      let second = try PthTool.run(
        ["eval", Self.trained, wrong.path, "--plots"]
          + ["--output", folder.path]
      )
      #expect(second.status == 0, "\(second.messages)")
      #expect(second.text.contains("the first 100 of them"))
      let captions = try Self.texts(folder.file(Self.pictures[3]))
      #expect(captions.count == 100)
      #expect(captions.first == "6 as 5")
    }
  }

  @Test("says what to install where there is no gnuplot, and succeeds")
  func missingGnuplot() throws {
    let data = try DigitFolder.good.get()
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        ["eval", Self.trained, data.path, "--plots"]
          + ["--output", folder.path],
        environment: ["PATH": folder.path]
      )
      #expect(run.status == 0)
      #expect(run.text.contains("argmax accuracy"))
      #expect(run.messages.hasPrefix("pth: warning: gnuplot is not installed"))
      #expect(run.messages.contains("apt-get install gnuplot-nox"))
      #expect(try folder.names() == [])
    }
  }

  @Test("names a folder that pictures can't be written into")
  func unwritable() throws {
    let data = try DigitFolder.good.get()
    let run = try PthTool.run(
      ["eval", Self.trained, data.path, "--plots"]
        + ["--output", data.file("none")]
    )
    #expect(run.status == 73)
    #expect(run.output.isEmpty)
    #expect(run.messages.contains(data.file("none/hw7_trained_confusion.svg")))
  }
}
