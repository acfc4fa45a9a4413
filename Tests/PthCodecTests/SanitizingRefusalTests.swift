import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Objects that become plain values, and those for which there is none.
struct SanitizingRefusalTests {
  private static func array(_ state: String) -> String {
    "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
      + "(I1\n" + state + "tb"
  }

  private static func dtype(_ code: String, _ order: String = "<") -> String {
    Handmade.call("numpy", "dtype", "S'\(code)'\nI0\nI1\n")
      + "(I3\nS'\(order)'\nNNNI-1\nI-1\nI0\ntb"
  }

  private static func scalar(_ code: String, _ bytes: String) -> String {
    Handmade.call("numpy.core.multiarray", "scalar", dtype(code) + bytes)
  }

  @Test(
    "What has no plain value is refused with its path",
    arguments: [
      ("\u{82}\u{5}", "a code of Python's extension registry"),
      ("I1\nQ", "a persistent id that names no storage"),
      (scalar("V3", "C\u{3}abc"), "a NumPy type without a plain value"),
      (scalar("U2", "C\u{3}abc"), "too few bytes"),
      (scalar("U1", "C\u{4}\u{ff}\u{ff}\u{ff}\u{ff}"), "no Unicode"),
      (
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\n"
          + "tS'b'\ntR", "an array without data"
      ),
      (
        array("(I2\nt" + dtype("O8", "|") + "I00\n(lI1\na"),
        "an array of 2 objects with 1"
      ),
      (
        array("(I2\nI1\nt" + dtype("O8", "|") + "I01\n(lI1\naI2\na"),
        "in Fortran order"
      ),
      (
        array("(I2\nt" + dtype("V8", "|") + "I00\nS'abcdefgh'\n"),
        "a NumPy type without plain values"
      ),
    ]
  )
  func refuses(pickle: String, reason: String) throws {
    let checkpoint = try Handmade.checkpoint(
      Handmade.dict("S'part'\n", Handmade.list(["I1\n", pickle]))
    )
    #expect {
      _ = try checkpoint.sanitized()
    } throws: { error in
      let fault = error as? CheckpointError
      return fault?.message.contains(reason) == true
        && fault?.keyPath == "part.1"
    }
  }

  @Test("What stays hashable may be a key, and only that")
  func keys() throws {
    let checkpoint = try Handmade.checkpoint(
      Handmade.dict("cmy\nPoint\n(I1\nF2.5\nt\u{81}", "I1\n")
    )
    let result = try checkpoint.sanitized()
    #expect(result.changes.map(\.to) == ["tuple of arguments"])
    #expect(result.checkpoint.values.map(\.path) == ["(1, 2.5)"])
    let attributes = try Handmade.checkpoint(
      Handmade.dict(
        "cmy\nPoint\n(t\u{81}" + Handmade.dict("S'x'\n", "I1\n") + "b",
        "I1\n"
      )
    ).sanitized()
    #expect(attributes.checkpoint.values.map(\.path) == ["my.Point(x=1)"])
    let deep = try Handmade.checkpoint(
      Handmade.dict(
        "cmy\nPoint\n(t\u{81}" + Handmade.dict("S'x'\n", "(d") + "b",
        "I1\n"
      )
    )
    #expect(throws: CheckpointError.self) { try deep.sanitized() }
  }

  @Test(
    "An object becomes what it was made of",
    arguments: [
      ("cmy\nRate\n(F0.5\nt\u{81}", "float", PlainValue.float(0.5)),
      ("cmy\nRate\n(Vfast\nt\u{81}", "str", .string("fast")),
      (
        scalar("c16", "C\u{10}" + String(repeating: "\u{0}", count: 16)),
        "complex", .described("(0.0+0.0j)")
      ),
      (
        scalar("u8", "C\u{8}" + String(repeating: "\u{ff}", count: 8)),
        "int", .bigInt("18446744073709551615")
      ),
      (scalar("S2", "C\u{2}ab"), "bytes", .bytes([0x61, 0x62])),
      ("cmy\nRate\n", "str", .string("my.Rate")),
      (
        "(S'module'\ncmy\nNet\nS'net.py'\nS'class Net'\ntQ", "str",
        .string("my.Net")
      ),
    ]
  )
  func becomes(pickle: String, type: String, value: PlainValue) throws {
    let checkpoint = try Handmade.checkpoint(
      Handmade.dict("S'v'\n", pickle)
    ).sanitized().checkpoint
    #expect(checkpoint.values.map(\.type) == [type])
    #expect(checkpoint.values.map(\.value) == [value])
  }

  @Test("Values that are made and dropped go")
  func discarded() throws {
    let result = try Handmade.checkpoint(
      Handmade.call("os", "getcwd", "") + "0I1\n"
    ).sanitized()
    #expect(result.changes.map(\.from) == ["values that are made and dropped"])
    #expect(result.checkpoint.values.map(\.value) == [.int(1)])
  }

  @Test("An integer too long for an opcode becomes hexadecimal text")
  func integers() throws {
    for (sign, text) in [("\u{1}", "0x1"), ("\u{ff}", "-0x1")] {
      let bytes = String(repeating: "\u{0}", count: 255) + sign
      let result = try Handmade.checkpoint(
        Handmade.dict("S'v'\n", "\u{8b}\u{0}\u{1}\u{0}\u{0}" + bytes)
      ).sanitized()
      #expect(result.changes.map(\.from) == ["int of 256 bytes"])
      #expect(
        result.checkpoint.values.map(\.value)
          == [.string(text + String(repeating: "0", count: 510))]
      )
    }
  }
}
