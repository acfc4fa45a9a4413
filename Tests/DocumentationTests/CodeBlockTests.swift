import Foundation
import TestSupport
import Testing

/// The code in the documents is compiled, and it does what they say.
@Suite("the documents' code")
struct CodeBlockTests {
  /// The region of a compiled file between `// block` and `// end`.
  private struct Region: Hashable {
    let file: String
    let lines: [String]
  }

  private static func regions() throws -> [Region] {
    let folder = "Tests/DocumentationBlocks"
    var regions: [Region] = []
    for name in try Self.compiledFiles(in: folder) {
      var lines: [String]?
      for line in try Documents.lines(of: "\(folder)/\(name)") {
        switch line.trimmingCharacters(in: .whitespaces) {
        case "// block": lines = []
        case "// end":
          regions.append(Region(file: name, lines: unindented(lines ?? [])))
          lines = nil
        default: lines?.append(line)
        }
      }
    }
    return regions
  }

  private static func compiledFiles(in folder: String) throws -> [String] {
    try FileManager.default
      .contentsOfDirectory(atPath: Fixture.packageRoot + "/" + folder)
      .filter { $0.hasSuffix(".swift") }
  }

  private static func unindented(_ lines: [String]) -> [String] {
    let depth = lines.filter { !$0.isEmpty }
      .map { $0.prefix { $0 == " " }.count }.min()
    return lines.map { String($0.dropFirst(depth ?? 0)) }
  }

  @Test("every Swift block is, letter by letter, one that is compiled")
  func compiled() throws {
    let regions = try Self.regions()
    let blocks = try Documents.blocks().filter { $0.language == "swift" }
    #expect(blocks.count > 15)
    for block in blocks {
      let region = regions.first { $0.lines == block.body }
      #expect(
        region != nil,
        "\(block.file):\(block.line) is in no file of DocumentationBlocks"
      )
      guard let region else { continue }
      let source = try Documents.lines(
        of: "Tests/DocumentationBlocks/\(region.file)"
      )
      #expect(
        block.imports.allSatisfy(source.contains),
        "\(block.file):\(block.line) imports other modules"
      )
    }
    let bodies = Set(blocks.map(\.body))
    for region in regions where !bodies.contains(region.lines) {
      Issue.record("\(region.file) has a block that no document has")
    }
  }

  @Test("no block is in a language that nothing checks")
  func languages() throws {
    let languages = Set(try Documents.blocks().map(\.language))
    #expect(languages.isSubset(of: ["swift", ""]))
  }

  @Test(
    "the blocks of each document run and print what it says",
    arguments: [
      ("readme", ["[10, 196]"]),
      ("landing-page", ["fc.4.weight float32 [10, 196]", "1960"]),
      (
        "load-a-dataset",
        ["float32 [2000, 1, 28, 28]", "int64 [2000]", "0.982"],
      ),
      (
        "map-a-checkpoint",
        [
          "[\"cnn.0.weight\", \"cnn.0.bias\"", "fc.4.bias", "classifier.0",
          "[10] 0.0003",
        ],
      ),
      ("write-a-checkpoint", ["epoch", "npz holds tensors only"]),
      ("add-a-format", []),
      ("comments", ["[\"weight\", \"bias\"]", "settings.weight"]),
    ]
  )
  func runs(document: String, prints: [String]) throws {
    try withTemporaryDirectory { folder in
      try Self.fill(folder)
      let run = try Command.run(
        Self.program,
        [document],
        directory: folder.path
      )
      #expect(run.status == 0, "\(run.messages)")
      for text in prints {
        #expect(run.text.contains(text), "\(document) printed \(run.text)")
      }
      for written in Self.written[document] ?? [] {
        let info = try PthTool.run("info", folder.file(written))
        #expect(info.status == 0, "\(info.messages)")
      }
    }
  }

  private static let program =
    String(PthTool.path.dropLast("pth".count)) + "DocumentationBlocks"

  /// The files that the documents' code writes.
  private static let written = [
    "readme": ["homework.safetensors"],
    "landing-page": ["homework.safetensors"],
    "map-a-checkpoint": ["classifier.pth", "optimizer.pth"],
    "write-a-checkpoint": [
      "linear.pth", "labels.pth", "training.pth", "small.pth", "old.pth",
    ],
    "add-a-format": ["rows.pth"],
  ]

  /// The files that the documents' code reads.
  private static func fill(_ folder: TemporaryDirectory) throws {
    let trained = "hw7_21307303_liuzhuoyi.pth"
    for (fixture, name) in [
      ("mnist/hw7_trained.pth", trained),
      ("mnist/t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
      ("torch-2.13/objects.pth", "model.pth"),
    ] {
      try writeFile(Fixture.bytes(fixture), to: folder.file(name))
    }
    try writeFile("1,2.5,3\n4,5,6\n".utf8, to: folder.file("rows.csv"))
    try FileManager.default.createDirectory(
      atPath: folder.file("data"),
      withIntermediateDirectories: false
    )
    for arguments in [
      ["t10k-images-idx3-ubyte.gz", "data/test_data.pth"],
      [
        Fixture.path("mnist/t10k-labels-idx1-ubyte.gz"),
        "data/test_labels.pth",
      ],
      [
        trained, "parallel.pth", "--include", "fc.*", "--rename",
        "^fc=module.classifier",
      ],
    ] {
      let run = try PthTool.run(["convert"] + arguments, directory: folder.path)
      #expect(run.status == 0, "\(run.messages)")
    }
  }
}
