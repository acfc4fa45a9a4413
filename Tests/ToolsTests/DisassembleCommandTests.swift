import TestSupport
import Testing

/// `pth disassemble` as a user runs it.
@Suite("pth disassemble")
struct DisassembleCommandTests {
  /// What Python itself prints for the pickles of a file.
  private static let judge = """
    import io, pickletools, sys, zipfile
    data = open(sys.argv[1], 'rb').read()
    count = int(sys.argv[3])
    if sys.argv[2]:
        archive = zipfile.ZipFile(sys.argv[1])
        name = [n for n in archive.namelist() if n.endswith('/' + sys.argv[2])]
        data = archive.read(name[0])
    stream = io.BytesIO(data)
    for _ in range(count):
        pickletools.dis(stream)
    """

  @Test(
    "prints what python -m pickletools prints",
    arguments: [
      ("torch-2.13/training.pth", "data.pkl", 1),
      ("torch-2.13/values_protocol5.pth", "data.pkl", 1),
      ("torch-2.13/torchscript_script.pt", "constants.pkl", 1),
      ("torch-1.13/training_legacy.pth", "", 5),
      ("torch-2.13/dcp_single/.metadata", "", 1),
    ]
  )
  func sameAsPython(file: String, record: String, count: Int) throws {
    let path = Fixture.path(file)
    let python = try Command.run(
      "/usr/bin/env",
      ["python3", "-c", Self.judge, path, record, "\(count)"],
      environment: ["PYTHONIOENCODING": "utf-8"]
    )
    #expect(python.status == 0, "\(python.messages)")
    let options =
      record.isEmpty || record == "data.pkl" ? [] : ["--record", record]
    let run = try PthTool.run(["disassemble", path] + options)
    #expect(run.status == 0, "\(run.messages)")
    #expect(run.text == python.text)
  }

  /// Writes floats of all sizes, many at a power of ten or beside it, and
  /// integers of up to the 4300 digits that Python shows.
  private static let numbers = """
    import pickle, pickletools, random, struct, sys
    draw = random.Random(7)
    floats = [struct.unpack('<d', draw.randbytes(8))[0] for _ in range(4000)]
    for exponent in range(-25, 25):
        power = float(f'1e{exponent}')
        bits = struct.unpack('<q', struct.pack('<d', power))[0]
        near = struct.pack('<5q', *range(bits - 2, bits + 3))
        floats += struct.unpack('<5d', near)
        floats += [power * draw.random() for _ in range(20)]
        floats += [-round(power * draw.random(), 6) for _ in range(20)]
    for power in range(46, 66):
        floats += [2.0 ** power - 1, 2.0 ** power, 2.0 ** power + 1]
    floats += [0.0, -0.0, 5e-324, 1.7976931348623157e308]
    integers = []
    for size in [*range(1, 300), *range(300, 1786, 45), 1785]:
        top = 1 << (8 * size - 1)
        integers += [top - 1, -top, draw.randrange(-top, top), top // 3]
    for digits in range(1, 300):
        integers += [10 ** digits, 10 ** digits - 1, 1 - 10 ** digits]
    data = pickle.dumps((floats, integers), 4)
    open(sys.argv[1], 'wb').write(data)
    pickletools.dis(data)
    """

  @Test("numbers are shown as Python shows them")
  func numbers() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("numbers.pkl")
      let python = try Command.run(
        "/usr/bin/env",
        ["python3", "-c", Self.numbers, path]
      )
      #expect(python.status == 0, "\(python.messages)")
      let run = try PthTool.run(["disassemble", path])
      let shown = run.text.split(separator: "\n")
      let expected = python.text.split(separator: "\n")
      #expect(shown.count == expected.count)
      #expect(expected.count > 8000)
      let wrong = zip(shown, expected).filter { $0 != $1 }.prefix(5)
      #expect(wrong.isEmpty, "\(wrong)")
    }
  }

  @Test("what is no pickle is refused with its place")
  func refuses() throws {
    let text = try PthTool.run("disassemble", Fixture.path("make_torch.py"))
    #expect(text.status == 65)
    #expect(text.messages.contains("at byte"))
    let record = try PthTool.run(
      "disassemble",
      Fixture.path("torch-2.13/bare.pth"),
      "--record",
      "no.pkl"
    )
    #expect(record.status == 65)
    #expect(record.messages.contains("no.pkl"))
  }
}
