import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Changes of objects that PyTorch's own files don't have.
struct EditingHandmadeTests {
  private static func rebuilt(
    _ function: String,
    _ arguments: String
  ) -> String {
    Handmade.call("torch._utils", function, arguments)
  }

  /// A dict of keys and values, in order.
  private static func dict(_ pairs: [(String, String)]) -> String {
    "(d" + pairs.map { "S'\($0)'\n\($1)s" }.joined()
  }

  private static func renamed(
    _ pickle: String,
    _ rename: String
  ) throws -> Checkpoint {
    var map = NameMap()
    try map.addRename(rename)
    return try Handmade.checkpoint(pickle).renamed(by: map)
  }

  @Test("Tensors without data change their dtype too")
  func metaTensors() throws {
    let meta = Self.rebuilt(
      "_rebuild_meta_tensor_no_storage",
      "ctorch\nfloat32\n(I2\nt(I1\ntI00\n"
    )
    let wrapper = Self.rebuilt(
      "_rebuild_wrapper_subclass",
      "cmy\nWrapped\nctorch\nfloat64\n(I2\nt(I1\ntI0\n"
        + "ctorch\nstrided\nS'cuda'\nI00\n"
    )
    let labels = Self.rebuilt(
      "_rebuild_meta_tensor_no_storage",
      "ctorch\nint64\n(I2\nt(I1\ntI00\n"
    )
    let half = try Handmade.checkpoint(
      Self.dict([("m", meta), ("w", wrapper), ("n", labels)])
    ).converted(to: .float16)
    #expect(half.tensors.values.map(\.dtype) == [.float16, .float16, .int64])
    #expect(half.tensors.values.allSatisfy { $0.storage.isMeta })
  }

  @Test("A view of another dtype keeps its bytes when its neighbour changes")
  func mixedViews() throws {
    let integers = Self.rebuilt(
      "_rebuild_tensor_v3",
      "(S'storage'\nctorch.storage\nUntypedStorage\nS'0'\nS'cpu'\nI8\ntQ"
        + "I0\n(I2\nt(I1\ntI00\n" + Handmade.hooks + "ctorch\nint32\n"
    )
    let old = try Handmade.checkpoint(
      Self.dict([("a", Handmade.tensor), ("b", integers)])
    )
    #expect(try old.tensor("a").storage === old.tensor("b").storage)
    let half = try old.converted(to: .float16)
    let floats = try half.tensor("a").converted(to: .float32)
    #expect(try floats.elements(as: Float.self) == [1, 2])
    #expect(try half.tensor("a").dtype == .float16)
    #expect(
      try half.tensor("b").elements(as: Int32.self)
        == [1, 2].map { Int32(bitPattern: Float($0).bitPattern) }
    )
  }

  @Test("A dtype without numbers has no conversion, and its tensor is named")
  func noConversion() throws {
    let bits = try Checkpoint.open(Fixture.path("torch-2.13/dtype_bits8.pth"))
    let name = try #require(bits.tensors.keys.first)
    #expect {
      _ = try bits.converted(to: .int64)
    } throws: {
      ($0 as? CheckpointError)?.keyPath == name
        && "\($0)".contains("no conversion")
    }
  }

  @Test(
    "A rename that no change of keys gives is told with its name",
    arguments: [
      (Handmade.tensor, "^data$=x", "a bare tensor has no name"),
      (
        dict([("a", Handmade.tensor), ("n", "I1\n")]), "^a$=n",
        "two entries would have the key n"
      ),
      (
        dict([("m", dict([("a", Handmade.tensor)]))]), "^m.a$=z",
        "would move the tensor into another container"
      ),
      (
        dict([
          (
            "s",
            rebuilt(
              "_rebuild_sparse_tensor",
              "ctorch\nsparse_coo\n(" + Handmade.tensor + Handmade.tensor
                + "(I2\ntt"
            )
          )
        ]), "^s.indices$=s.places",
        "would move the tensor into another container"
      ),
    ]
  )
  func refusedRenames(pickle: String, rename: String, text: String) throws {
    #expect {
      _ = try Self.renamed(pickle, rename)
    } throws: {
      "\($0)".contains(text)
    }
  }

  @Test("A sparse tensor's parts are renamed together")
  func sparse() throws {
    let sparse = Self.rebuilt(
      "_rebuild_sparse_tensor",
      "ctorch\nsparse_coo\n(" + Handmade.tensor + Handmade.tensor + "(I2\ntt"
    )
    let renamed = try Self.renamed(Self.dict([("s", sparse)]), #"^s\.=grid."#)
    #expect(Array(renamed.tensors.keys) == ["grid.indices", "grid.values"])
  }

  @Test("What is no entry of a dictionary can't be taken out of its object")
  func refusedRemovals() throws {
    let list = try Handmade.checkpoint(
      Handmade.list([Handmade.tensor, Handmade.tensor])
    )
    #expect {
      _ = try list.dropping("0")
    } throws: {
      "\($0)".contains("only entries of dictionaries can be dropped")
    }
    #expect {
      _ = try list.filtered(excluding: ["0"])
    } throws: {
      "\($0)".contains("only a part of list is taken")
    }
    let both = Self.dict([("w", Handmade.tensor), ("v", Handmade.tensor)])
    let shared = try Handmade.checkpoint(
      "(dS'x'\n" + both + "p7\nsS'y'\ng7\ns"
    )
    #expect {
      _ = try shared.filtered(including: ["x.w", "y.v"])
    } throws: {
      "\($0)".contains("a dict is at several places")
    }
    let same = try shared.filtered(including: ["x.w", "y.w"])
    #expect(Array(same.tensors.keys) == ["x.w", "y.w"])
  }

  @Test("Formats that can't be read or written say so")
  func formats() throws {
    let checkpoint = try Handmade.checkpoint(
      Self.dict([("a", Handmade.tensor)])
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("rows.unknown")
      #expect {
        try checkpoint.save(to: path)
      } throws: {
        ($0 as? CheckpointError)?.code == .unknownFormat
      }
      #expect {
        try checkpoint.save(to: path, as: .pytorchTar)
      } throws: {
        "\($0)".contains("pytorch-tar files can be read but not written")
      }
      try checkpoint.save(to: path, as: .pytorchZip)
      #expect {
        _ = try Checkpoint.open(path, as: .onnx)
      } throws: {
        "\($0)".contains("onnx files can't be read")
      }
      #expect {
        _ = try Checkpoint.open(folder.path)
      } throws: {
        "\($0)".contains("a folder without a checkpoint's files")
      }
    }
  }

  @Test(
    "Times and old ways to make objects become plain values",
    arguments: [
      (moment(zone: "I0\nI28800\n"), "2026-01-02T03:04:05+08:00"),
      (moment(zone: "I-1\nI68400\n"), "2026-01-02T03:04:05-05:00"),
      (
        Handmade.call("__builtin__", "getattr", "cmy\nColor\nS'_own'\n"),
        "my.Color._own"
      ),
    ]
  )
  func texts(pickle: String, text: String) throws {
    let plain = try Handmade.checkpoint(Handmade.dict("S'v'\n", pickle))
      .sanitized().checkpoint
    #expect(plain.values.map(\.value) == [.string(text)])
  }

  private static func moment(zone: String) -> String {
    let delta = Handmade.call("datetime", "timedelta", zone + "I0\n")
    return Handmade.call(
      "datetime",
      "datetime",
      "C\u{a}\u{7}\u{ea}\u{1}\u{2}\u{3}\u{4}\u{5}\u{0}\u{0}\u{0}"
        + Handmade.call("datetime", "timezone", delta)
    )
  }

  @Test(
    "Objects of Python 2 become their attributes, or what they were made of"
  )
  func oldObjects() throws {
    let old = Handmade.call(
      "copy_reg",
      "_reconstructor",
      "cmy\nOld\nc__builtin__\nobject\nN"
    )
    let result = try Handmade.checkpoint(
      Self.dict([
        ("old", old + "(dS'x'\nI1\nsb"),
        ("new", Handmade.call("copyreg", "__newobj__", "cmy\nNew\nI3\n")),
      ])
    ).sanitized()
    #expect(result.changes.map(\.from).sorted() == ["my.New", "my.Old"])
    #expect(result.checkpoint.values.map(\.path) == ["old.x", "new"])
    #expect(result.checkpoint.values.map(\.value) == [.int(1), .int(3)])
  }
}
