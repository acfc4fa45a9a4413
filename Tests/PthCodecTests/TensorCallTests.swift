import OrderedCollections
import PthCodec
import Tensors
import Testing

/// Calls that would make tensors in Python: the rare ones, and the impossible.
struct TensorCallTests {
  private static func rebuilt(
    _ function: String,
    _ arguments: String
  ) -> String {
    Handmade.call("torch._utils", function, arguments)
  }

  private static let view = "I0\n(I2\nt(I1\nt"

  @Test("A wrapper's tensor has its shape, strides and device, and no bytes")
  func wrappers() throws {
    let arguments = """
      cmy\nWrapped
      ctorch\nfloat64
      (I2\nI3\nt(I3\nI1\ntI1
      ctorch\nstrided

      """
    for (device, name) in [
      ("S'cuda:1'\n", "cuda:1"), (Self.device("'xla'"), "xla"),
    ] {
      let tensor = try Handmade.checkpoint(
        Self.rebuilt(
          "_rebuild_wrapper_subclass",
          arguments + device + "I01\n"
        )
      ).tensor("data")
      #expect(tensor.dtype == .float64)
      #expect(tensor.shape == [2, 3])
      #expect(tensor.layout.offset == 1)
      #expect(tensor.device == name)
      #expect(tensor.requiresGrad)
      #expect(tensor.storage.isMeta)
    }
  }

  private static func device(_ name: String) -> String {
    Handmade.call("torch", "device", "S\(name)\n")
  }

  @Test("A device's tensor is the host's data as the dtype it had there")
  func devices() throws {
    let tensor = try Handmade.checkpoint(
      Self.rebuilt(
        "_rebuild_device_tensor_from_cpu_tensor",
        Handmade.tensor + "ctorch\nbfloat16\nS'xla:0'\nI1\n"
      )
    ).tensor("data")
    #expect(tensor.dtype == .bfloat16)
    #expect(tensor.device == "xla:0")
    #expect(tensor.requiresGrad)
    let floats = try tensor.converted(to: .float32)
    #expect(try floats.elements(as: Float.self) == [1, 2])
  }

  @Test(
    "What is changed after it is made may hold other data, and is refused",
    arguments: changes
  )
  func changed(pickle: String, reason: String) throws {
    let fault = try Handmade.fault(Handmade.dict("S'part'\n", pickle))
    #expect(fault?.code == .unsupported)
    #expect(fault?.keyPath == "part")
    #expect(fault?.message.contains(reason) == true, "\(fault as Any)")
  }

  private static var changes: [(String, String)] {
    let state = "(dS'a'\nI1\nsb"
    let view = "(" + Handmade.storage + "I1\n(I1\nt(I1\nttb"
    let parameter = Handmade.tensor + "I01\n" + Handmade.hooks
    let array = Handmade.call(
      "numpy.core.multiarray",
      "_reconstruct",
      "cnumpy\nndarray\n(I0\ntS'b'\n"
    )
    let float = Handmade.call("numpy", "dtype", "S'f4'\nI0\nI1\n")
    let data = "(I1\n(I1\nt\(float)I00\nS'abcd'\ntb"
    return [
      (Handmade.tensor + view, "tensor"),
      (Handmade.tensor + "Nb", "tensor"),
      (rebuilt("_rebuild_parameter", parameter) + state, "tensor"),
      (
        rebuilt("_rebuild_tensor", Handmade.storage + state + Self.view),
        "storage"
      ),
      ("cmy\nThing\n(tR" + state + "N" + "b", "more than once"),
      (Handmade.hooks + state + state, "more than once"),
      (array + data + data, "more than once"),
    ]
  }

  @Test(
    "A key that stands twice is refused, since programs would choose",
    arguments: repeated
  )
  func repeatedKey(pickle: String, path: String) throws {
    let fault = try Handmade.fault(Handmade.dict("S'part'\n", pickle))
    #expect(fault?.code == .unsupported)
    #expect(fault?.message.contains("stands twice") == true, "\(fault as Any)")
    #expect(fault?.keyPath == path)
  }

  private static var repeated: [(String, String)] {
    func dict(_ keys: [String]) -> String {
      "(d" + keys.map { $0 + Handmade.tensor + "s" }.joined()
    }
    let many = (0..<40).map { "S'w\($0)'\n" }
    let long = String(repeating: "x", count: 600)
    let empty = "S'_modules'\n(ds"
    return [
      (dict(["S'w'\n", "Vw\n"]), "part"),
      (dict(many + ["S'w7'\n"]), "part"),
      (dict(many + ["I7\n", "F7\n"]), "part"),
      (dict(["I01\n", "S'w'\n", "I1\n"]), "part"),
      (dict(["N", "N"]), "part"),
      (dict(["ctorch\nint8\n", "ctorch\nint8\n"]), "part"),
      (dict(["L99999999999999999999L\n", "L99999999999999999999L\n"]), "part"),
      (dict(["S'\(long)'\n", "S'\(long)'\n"]), "part"),
      (Handmade.list(["I1\n", dict(["F0.5\n", "F0.5\n"])]), "part.1"),
      (
        Handmade.hooks + String(dict(["S'w'\n", "S'w'\n"]).dropFirst(2)), "part"
      ),
      (
        "cmy\nNet\n(tR(dS'_parameters'\n" + dict(["S'w'\n", "S'w'\n"]) + "s"
          + empty + "b", "part"
      ),
      ("cmy\nNet\n(tR" + dict(["S'w'\n", "S'w'\n"]) + "b", "part"),
    ]
  }

  @Test("Keys that differ stand beside one another")
  func differentKeys() throws {
    let long = String(repeating: "x", count: 600)
    let keys = [
      "S'1'\n", "I1\n", "F1.5\n", "N", "I00\n", "S'\(long)a'\n",
      "S'\(long)b'\n", "ctorch\nint8\n", "ctorch\nint16\n", "S''\n",
    ]
    for count in [5, keys.count] {
      let pairs = keys.prefix(count).map { $0 + Handmade.tensor + "s" }
      let checkpoint = try Handmade.checkpoint("(d" + pairs.joined())
      #expect(checkpoint.tensors.count == count)
    }
  }

  @Test("A nested tensor's offsets may be a tuple")
  func nested() throws {
    let checkpoint = try Handmade.checkpoint(
      Self.rebuilt(
        "_rebuild_nested_tensor",
        Handmade.tensor + Handmade.tensor + Handmade.tensor + "(I0\nI1\nt"
      )
    )
    let offsets = try checkpoint.tensor("data.storage_offsets")
    #expect(try offsets.elements(as: Int64.self) == [0, 1])
  }

  @Test(
    "A call that can make no tensor is told with its offset and the reason",
    arguments: [
      ("_rebuild_tensor", "", "arguments, too few"),
      ("_rebuild_tensor", "I7\n" + view, "should be a persistent id"),
      ("_rebuild_tensor", "S'x'\nQ" + view, "should be a persistent id"),
      ("_rebuild_tensor", "(S'x'\ntQ" + view, "('storage', …)"),
      (
        "_rebuild_tensor",
        "(S'storage'\nctorch\nOddStorage\nS'0'\nS'cpu'\nI2\ntQ" + view,
        "torch.OddStorage is no storage type"
      ),
      (
        "_rebuild_tensor",
        "(S'storage'\nI1\nS'0'\nS'cpu'\nI2\ntQ" + view,
        "int is no storage type"
      ),
      (
        "_rebuild_tensor",
        "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI2\nI3\ntQ" + view,
        "a storage's view should be (key, offset, size)"
      ),
      (
        "_rebuild_tensor",
        Handmade.storage + "I0\n(I3\nt(I1\nt",
        "which has 8"
      ),
      (
        "_rebuild_tensor",
        Handmade.storage + "I-1\n(I1\nt(I1\nt",
        "none may be negative"
      ),
      (
        "_rebuild_tensor_v2",
        Handmade.storage + view + "S'no'\n" + Handmade.hooks,
        "requires_grad should be a truth value"
      ),
      (
        "_rebuild_tensor_v2",
        Handmade.storage + view + "I00\n" + Handmade.hooks
          + "(dS'odd'\nI01\ns",
        "the unknown mark odd"
      ),
      ("_rebuild_parameter", "I1\nI01\n", "should hold a tensor"),
      (
        "_rebuild_qtensor",
        Handmade.storage + view
          + "(ctorch\nper_tensor_affine\nS'x'\nI0\ntI00\n",
        "the scale should be a number"
      ),
      (
        "_rebuild_qtensor",
        Handmade.storage + view + "(ctorch\nper_nothing\nI1\ntI00\n",
        "unknown quantization scheme per_nothing"
      ),
      (
        "_rebuild_sparse_tensor",
        "ctorch\nsparse_odd\n(t",
        "unknown tensor layout sparse_odd"
      ),
      ("_rebuild_sparse_tensor", "I1\n(t", "should name its layout"),
    ]
  )
  func faults(function: String, arguments: String, message: String) throws {
    let error = try Handmade.fault(
      Handmade.dict("S'weight'\n", Self.rebuilt(function, arguments))
    )
    #expect(
      error?.message.contains(message) == true,
      "\(String(describing: error))"
    )
    #expect(error?.offset != nil)
    #expect(error?.file?.hasSuffix("handmade.pth") == true)
  }

  @Test("Parameters in parameters end somewhere")
  func deep() throws {
    let head = String(
      repeating: "ctorch._utils\n_rebuild_parameter\n(",
      count: 40
    )
    let tail = String(repeating: "I00\n" + Handmade.hooks + "tR", count: 40)
    let error = try Handmade.fault(head + Handmade.tensor + tail)
    #expect(error?.message == "tensors wrap tensors too deeply")
    let shallow = try Handmade.checkpoint(
      String(repeating: "ctorch._utils\n_rebuild_parameter\n(", count: 3)
        + Handmade.tensor
        + String(repeating: "I01\n" + Handmade.hooks + "tR", count: 3)
    )
    #expect(try shallow.tensor("data").requiresGrad)
  }

  @Test("A record of another size than the pickle says is damage")
  func sizes() throws {
    #expect {
      _ = try Handmade.checkpoint(Handmade.tensor, storage: [1, 2, 3])
        .tensor("data").elements(as: Float.self)
    } throws: { error in
      "\(error)".contains("should have 8 bytes")
        && "\(error)".contains("in record root/data/0")
        || "\(error)".contains("data/0")
    }
  }
}
