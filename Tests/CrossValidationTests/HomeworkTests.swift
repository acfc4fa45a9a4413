import ConvNet
import Foundation
import PthCodec
import Tensors
import TestSupport
import Testing

/// The course's way: IDX to datasets, a checkpoint to a homework file.
@Suite("The homework, judged by PyTorch")
struct HomeworkTests {
  static let checkpoint = Fixture.path("mnist/hw7_trained.pth")

  struct Expected: Decodable {
    struct Judged: Decodable {
      let images: Int
      let argmaxCorrect: Int
      let loss: Double
      let confusion: [[Int]]
    }
    let subset: Judged
    let probabilities: [[Double]]
  }

  static func expected() throws -> Expected {
    let bytes = try Fixture.bytes("mnist/expected.json")
    return try JSONDecoder().decode(Expected.self, from: Data(bytes))
  }

  /// Converts the test set and gives the folder with its two files.
  static func testSet() throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    let parts = [
      "test_data": "t10k-images-idx3-ubyte",
      "test_labels": "t10k-labels-idx1-ubyte",
    ]
    for (name, source) in parts {
      let outcome = try PthTool.run(
        "convert",
        Fixture.path("mnist/\(source).gz"),
        folder.file(name + ".pth")
      )
      #expect(outcome.status == 0, "\(outcome.messages)")
    }
    return folder
  }

  @Test("the datasets hold what torch makes of the IDX files")
  func datasets() throws {
    let folder = try Self.testSet()
    let facts: [Bool] = try Python.value(
      """
      import gzip
      raw = gzip.decompress(open(images, 'rb').read())[16:]
      pixels = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
      raw = gzip.decompress(open(labels, 'rb').read())[8:]
      digits = torch.frombuffer(bytearray(raw), dtype=torch.uint8).long()
      x, y = load(folder + '/test_data.pth'), load(folder + '/test_labels.pth')
      result = [
          torch.equal(x, pixels.reshape(-1, 1, 28, 28).float() / 255),
          x.dtype == torch.float32,
          torch.equal(y, digits),
          y.dtype == torch.int64,
      ]
      """,
      [
        "images": .text(Fixture.path("mnist/t10k-images-idx3-ubyte.gz")),
        "labels": .text(Fixture.path("mnist/t10k-labels-idx1-ubyte.gz")),
        "folder": .text(folder.path),
      ]
    )
    #expect(facts == [true, true, true, true])
  }

  @Test("the network gives torch's probabilities within 1e-5")
  func sameProbabilities() throws {
    let folder = try Self.testSet()
    let torch = try Python.floats(
      """
      net = network().eval()
      net.load_state_dict(load(checkpoint), strict=True)
      with torch.no_grad():
          result = net(load(data)[:256])
      """,
      [
        "checkpoint": .text(Self.checkpoint),
        "data": .text(folder.file("test_data.pth")),
      ]
    )
    let model = try MyConvNet(Checkpoint.open(Self.checkpoint).stateDict)
    let images = try Checkpoint.open(folder.file("test_data.pth"))
      .tensor("data").elements(as: Float.self)
    let output = try Predictor(model).probabilities(
      of: Tensor(
        Array(images.prefix(256 * 784)),
        shape: [256, 1, 28, 28]
      )
    )
    let here = try output.elements(as: Float.self)
    #expect(here.count == torch.count)
    let distance = zip(here, torch).map { abs($0 - $1) }.max()
    #expect(try #require(distance) < 1e-5)
    let known = try Self.expected().probabilities.flatMap { $0 }
    for (found, known) in zip(here, known) {
      #expect(abs(Double(found) - known) < 1e-5)
    }
  }

  @Test("pth eval counts exactly what torch counts")
  func sameAccuracy() throws {
    struct Report: Decodable {
      let images: Int
      let loss: Double
      let argmaxAccuracy: Double
      let confusion: [[Int]]
    }
    let folder = try Self.testSet()
    let outcome = try PthTool.run(
      "eval",
      Self.checkpoint,
      folder.path,
      "--json"
    )
    #expect(outcome.status == 0, "\(outcome.messages)")
    let report = try outcome.json(as: Report.self)
    let expected = try Self.expected().subset
    #expect(report.images == expected.images)
    #expect(report.confusion == expected.confusion)
    #expect(abs(report.loss - expected.loss) < 1e-5)
    let correct = report.argmaxAccuracy * Double(report.images)
    #expect(Int(correct.rounded()) == expected.argmaxCorrect)
  }

  /// Exports the trained checkpoint and gives the homework file's path.
  static func export(into folder: TemporaryDirectory) throws -> String {
    let outcome = try PthTool.run(
      ["export", checkpoint, "--student-id", "21307303", "--name", "刘卓逸"]
        + ["--output", folder.path]
    )
    #expect(outcome.status == 0, "\(outcome.messages)")
    return folder.file("hw7_21307303_liuzhuoyi.pth")
  }

  @Test("the exported file loads strictly and is as accurate")
  func exportedFile() throws {
    let folder = try Self.testSet()
    let file = try Self.export(into: folder)
    let correct: Int = try Python.value(
      """
      net = network().eval()
      net.load_state_dict(torch.load(file), strict=True)
      x, y = load(folder + '/test_data.pth'), load(folder + '/test_labels.pth')
      with torch.no_grad():
          result = int((net(x).argmax(1) == y).sum())
      """,
      ["file": .text(file), "folder": .text(folder.path)]
    )
    #expect(try correct == Self.expected().subset.argmaxCorrect)
  }

  /// The course's own script, which is not part of this package.
  static let script =
    ProcessInfo.processInfo.environment["PTH_COURSE_SCRIPT"]

  @Test(
    "the course's own script loads the exported file and tests it",
    .enabled(
      if: script != nil,
      "PTH_COURSE_SCRIPT does not name the course's script"
    )
  )
  func courseScript() throws {
    let script = try #require(Self.script)
    let folder = try Self.testSet()
    _ = try Self.export(into: folder)
    // The script's paths have Windows' separators: here they are file names.
    for name in ["test_data.pth", "test_labels.pth"] {
      try FileManager.default.moveItem(
        atPath: folder.file(name),
        toPath: folder.file("data\\hw7\\" + name)
      )
    }
    let code = """
      import runpy, sys, torch
      torch.manual_seed(1)
      torch.set_num_threads(1)
      sys.dont_write_bytecode = True
      print(runpy.run_path(sys.argv[1], run_name="course")["Testing"]())
      """
    let outcome = try Command.run(
      Python.program,
      ["-c", code, script],
      directory: folder.path,
      seconds: 300
    )
    #expect(outcome.status == 0, "\(outcome.messages)")
    let last = outcome.text.split(separator: "\n").last.map(String.init)
    let accuracy = try #require(last.flatMap(Double.init))
    // The script draws from the probabilities: a little below argmax's 0.982.
    #expect(accuracy > 0.96)
  }
}
