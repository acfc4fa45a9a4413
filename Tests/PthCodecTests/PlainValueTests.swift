import OrderedCollections
import PthCodec
import Testing

/// Values that are no tensors, as Python's older and rarer programs write them.
struct PlainValueTests {
  private static func values(_ pickle: String) throws -> [CheckpointValue] {
    try Handmade.checkpoint(pickle).values
  }

  @Test("Bytes and bytearrays have one value in all their spellings")
  func bytes() throws {
    let values = try Self.values(
      Handmade.list([
        Handmade.call("__builtin__", "bytearray", ""),
        Handmade.call("__builtin__", "bytearray", "V\\u00e9\nS'latin-1'\n"),
        Handmade.call("_codecs", "encode", "V\\u00e9a\nS'latin1'\n"),
        "S'\\xff\\xfe'\n",
      ])
    )
    #expect(values.map(\.path) == ["0", "1", "2", "3"])
    #expect(
      values.map(\.value) == [
        .bytes([]), .bytes([0xe9]), .bytes([0xe9, 0x61]),
        .bytes([0xff, 0xfe]),
      ]
    )
    #expect(
      values.prefix(3).map(\.type) == ["bytearray", "bytearray", "bytes"]
    )
  }

  @Test("A mapping made of pairs has its items under their keys")
  func pairs() throws {
    let pair = "(lS'lr'\naF0.5\na"
    let triple = "(lI1\naI2\naI3\na"
    let values = try Self.values(
      Handmade.call(
        "collections",
        "OrderedDict",
        Handmade.list([pair, triple])
      )
    )
    #expect(values.map(\.path) == ["lr", "1.0", "1.1", "1.2"])
    #expect(values.first?.value == .float(0.5))
    let counter = try Self.values(
      Handmade.call("collections", "Counter", Handmade.dict("S'a'\n", "I3\n"))
    )
    #expect(counter.map(\.path) == ["a"])
    #expect(counter.map(\.value) == [.int(3)])
  }

  @Test("Keys of every kind become text as Python's str does it")
  func keys() throws {
    let big = "L123456789012345678901234567890L\n"
    for (key, text) in [
      ("N", "None"), ("I01\n", "True"), ("I00\n", "False"), ("I-7\n", "-7"),
      ("F0.5\n", "0.5"), (big, "123456789012345678901234567890"),
      (
        "L-123456789012345678901234567890L\n", "-123456789012345678901234567890"
      ),
      ("C\u{2}ab", "b'ab'"), ("(I1\nS'x'\nt", "(1, x)"),
      ("((I1\ntI2\nt", "((…), 2)"), ("ctorch\nfloat32\n", "torch.float32"),
      (Handmade.call("_codecs", "encode", "Vab\nS'latin1'\n"), "b'ab'"),
      (Handmade.call("decimal", "Decimal", "S'1'\n"), "<decimal.Decimal>"),
      ("(I1\n\u{91}", "<frozenset>"),
    ] {
      let values = try Self.values(Handmade.dict(key, "I1\n"))
      #expect(values.map(\.path) == [text])
    }
  }

  @Test("What has no plain value is described")
  func described() throws {
    let long = String(repeating: "\u{1}", count: 2000)
    for (pickle, type, value) in [
      ("\u{82}\u{5}", "extension", PlainValue.described("code 5")),
      ("ctorch\nbfloat16\n", "torch.dtype", .string("torch.bfloat16")),
      ("cos\ngetcwd\n", "global", .described("os.getcwd")),
      (
        "\u{8b}\u{d0}\u{7}\u{0}\u{0}" + long, "int",
        .described("an integer of 2000 bytes")
      ),
      (
        Handmade.call("__builtin__", "complex", "F1\nF-2\n"), "complex",
        .described("(1.0-2.0j)")
      ),
      (
        Handmade.call("torch", "Size", "(I2\nI3\nt"), "torch.Size",
        .described("[2, 3]")
      ),
      (
        Handmade.call("torch", "device", "S'cuda'\nI1\n"), "torch.device",
        .string("cuda:1")
      ),
    ] {
      let values = try Self.values(Handmade.dict("S'v'\n", pickle))
      #expect(values.map(\.type) == [type])
      #expect(values.map(\.value) == [value])
    }
  }
}
