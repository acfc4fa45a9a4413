import TestSupport
import Testing

/// `pth show` as a user runs it.
@Suite("pth show")
struct ShowCommandTests {
  private static let mnist = Fixture.path("mnist/")

  @Test("tells statistics, in which NaN and infinities are set apart")
  func statistics() throws {
    let run = try PthTool.run(
      "show",
      Fixture.path("torch-2.13/dtype_float32.pth")
    )
    #expect(run.status == 0, "\(run.messages)")
    #expect(run.text.hasPrefix("data: float32 [2, 3]\nmin 0  max 1.5"))
    #expect(run.text.contains("elements 6  zeros 1  non-finite 3"))
    #expect(run.text.contains("values: 1.5 0 inf -inf nan 1e-05"))
    let list = try PthTool.run("show", Self.mnist + "hw7_trained.pth")
    #expect(list.text.contains("cnn.1.num_batches_tracked       11250 "))
  }

  @Test("draws a dataset's image with its label, without colours in a pipe")
  func image() throws {
    try withTemporaryDirectory { folder in
      for part in ["images-idx3", "labels-idx1"] {
        let name = part.hasPrefix("images") ? "test_data" : "test_labels"
        let source = Self.mnist + "t10k-\(part)-ubyte.gz"
        _ = try PthTool.run("convert", source, folder.file("\(name).pth"))
      }
      let data = folder.file("test_data.pth")
      let run = try PthTool.run("show", data, "--index", "0")
      #expect(run.status == 0, "\(run.messages)")
      #expect(run.text.hasPrefix("data[0]: float32 [1, 28, 28]\nlabel: "))
      #expect(run.text.contains("█"))
      #expect(!run.text.contains("\u{1b}"))
      let outside = try PthTool.run("show", data, "--index", "10000000")
      #expect(outside.status == 65)
      #expect(outside.messages.contains("no index"))
    }
  }

  @Test("says what to install where there is no gnuplot")
  func missingGnuplot() throws {
    try withTemporaryDirectory { folder in
      let run = try PthTool.run(
        "show",
        Self.mnist + "hw7_trained.pth",
        "cnn.0.weight",
        "--png",
        folder.file("x.png"),
        environment: ["PATH": folder.path]
      )
      #expect(run.status == 74)
      #expect(run.messages.contains("apt-get install gnuplot-nox"))
      #expect(try folder.names() == [])
    }
  }

  @Test(
    "shows what numbers the elements of other dtypes are",
    arguments: [
      ("dtype_bool", "values: True False True False False True"),
      ("dtype_int64", "values: 1 2 3 4 5 127"),
      ("dtype_complex64", "values: 1+2j 0-0.5j 3+0j 0.25+0j -1-1j 0+0.001j"),
      ("dtype_qint8", "values: -1 0 0.5 1 2 3.5"),
      ("dtype_bits8", "bits that PyTorch gives no value"),
    ]
  )
  func dtypes(fixture: String, words: String) throws {
    let file = Fixture.path("torch-2.13/\(fixture).pth")
    let run = try PthTool.run("show", file)
    #expect(run.status == 0, "\(run.messages)")
    #expect(run.text.contains(words), "\(run.text)")
  }

  @Test("a scalar is one value, an empty or a meta tensor has none")
  func withoutElements() throws {
    let empties = Fixture.path("torch-2.13/empties.pth")
    #expect(
      try PthTool.run("show", empties, "scalar").text
        == "scalar: int64 []\nvalue: 7\n"
    )
    #expect(
      try PthTool.run("show", empties, "zero").text
        == "zero: float32 [0]\nit has no elements\n"
    )
    let meta = try PthTool.run(
      "show",
      Fixture.path("torch-2.13/meta.pth"),
      "m"
    )
    #expect(meta.status == 0)
    #expect(meta.text.contains("it has a shape, but no elements"))
  }

  @Test("a tensor without numbers says so in the list; zero has no sign")
  func listWithoutNumbers() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("zeros.npy")
      let header =
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"
      let padded = header + String(repeating: " ", count: 117 - header.count)
      let start = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
      // 3 and the negative zero.
      let number: [UInt8] = [0, 0, 0x40, 0x40, 0, 0, 0, 0x80]
      try writeFile(start + Array((padded + "\n").utf8) + number, to: file)
      #expect(try PthTool.run("show", file).text.hasSuffix("value: 3+0j\n"))
    }
    let list = try PthTool.run("show", Fixture.path("torch-2.13/meta.pth"))
    #expect(list.text.contains(" meta\n"), "\(list.text)")
  }

  @Test("labels are counted one by one")
  func labels() throws {
    let run = try PthTool.run(
      "show",
      Self.mnist + "t10k-labels-idx1-ubyte.gz"
    )
    #expect(run.status == 0, "\(run.messages)")
    #expect(run.text.contains("elements 2,000  zeros 175  non-finite 0\n"))
    #expect(run.text.contains("\nVALUE  COUNT\n    0    175  "))
    #expect(run.text.contains("\n    1    234  "))
    #expect(run.text.hasSuffix(" … and 1,936 more\n"))
  }

  @Test("statistics of many elements are those of the elements")
  func manyElements() throws {
    var generator = SeededGenerator(seed: 7, for: "statistics")
    var numbers = (0..<100_003).map { _ in
      Double.random(in: -3...5, using: &generator)
    }
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(numbers.count)).squareRoot()
    let expected = [numbers.min() ?? 0, numbers.max() ?? 0, mean, deviation]
    numbers[50_000...50_000] = [.nan, numbers[50_000], -.infinity]
    try withTemporaryDirectory { folder in
      let file = folder.file("numbers.npy")
      let header =
        "{'descr': '<f8', 'fortran_order': False, 'shape': (100005,), }"
      let padded = header + String(repeating: " ", count: 117 - header.count)
      let start = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
      let bytes = numbers.flatMap { number in
        withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
      }
      try writeFile(start + Array((padded + "\n").utf8) + bytes, to: file)
      let run = try PthTool.run("show", file)
      #expect(run.status == 0, "\(run.messages)")
      #expect(run.text.contains("elements 100,005  zeros 0  non-finite 2\n"))
      let line = run.text.split(separator: "\n").dropFirst().first ?? ""
      let told = line.split(separator: " ").compactMap { Double($0) }
      #expect(told.count == 4)
      for (number, value) in zip(told, expected) {
        #expect(abs(number - value) <= 1e-5 * abs(value), "\(line)")
      }
      let counts = run.text.split(separator: "\n").dropFirst(4).prefix(12)
        .compactMap { $0.split(separator: " ").dropFirst().first }
        .compactMap { Int($0.replacing(",", with: "")) }
      #expect(counts.reduce(0, +) == 100_003)
      #expect(counts.allSatisfy { $0 > 7_900 && $0 < 8_800 })
    }
  }
}
