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
