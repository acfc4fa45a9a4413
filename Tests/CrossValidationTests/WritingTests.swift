import ConvNet
import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Files that are made here, read by PyTorch.
@Suite("Writing what PyTorch reads")
struct WritingTests {
  /// Tensors that share storages in every way, of several dtypes.
  static func tensors() throws -> OrderedDictionary<String, Tensor> {
    let base = Storage((0..<24).map { Float($0) })
    func view(_ shape: [Int], _ strides: [Int], _ offset: Int = 0) throws
      -> Tensor
    {
      try Tensor(
        dtype: .float32,
        layout: Layout(shape: shape, strides: strides, offset: offset),
        storage: base
      )
    }
    var tensors: OrderedDictionary<String, Tensor> = [:]
    tensors["base"] = try view([4, 6], [6, 1])
    tensors["turned"] = try view([6, 4], [1, 6])
    tensors["strided"] = try view([2, 3], [12, 2], 1)
    tensors["expanded"] = try view([3, 4], [0, 1], 5)
    tensors["scalar"] = try view([], [], 23)
    tensors["none"] = try view([0, 3], [3, 1])
    tensors["键.weight"] = try Tensor([1.5, -0.0, .infinity] as [Double])
    tensors["int64"] = try Tensor([Int64.min, -1, .max])
    tensors["uint8"] = try Tensor([0, 128, 255] as [UInt8], shape: [3, 1])
    tensors["int8"] = try Tensor([-128, 127] as [Int8])
    tensors["int16"] = try Tensor([-32768, 32767] as [Int16])
    tensors["int32"] = try Tensor([Int32.min, .max])
    return tensors
  }

  static func check(
    _ tensors: OrderedDictionary<String, Tensor>,
    in file: String
  ) throws {
    let entry: Manifest.Entry = try Python.value(
      "result = description(file)",
      ["file": .text(file)]
    )
    let found = tensors.map { (name: $0.key, tensor: $0.value) }
    #expect(entry.differences(from: found) == [])
  }

  @Test(
    "torch sees the same elements, strides, offsets and sharing",
    arguments: [TorchLayout.torch1, .torch2],
    2...5
  )
  func sameTensors(layout: TorchLayout, version: Int) throws {
    try withTemporaryDirectory { folder in
      let tensors = try Self.tensors()
      let file = folder.file("made here.pth")
      try Checkpoint(StateDict(tensors)).save(
        to: file,
        options: WriteOptions(layout: layout, pickleProtocol: version)
      )
      try Self.check(tensors, in: file)
    }
  }

  @Test("a bare tensor is a bare tensor in torch")
  func bareTensor() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("train_labels.pth")
      let labels = try Tensor([5, 0, 4, 1] as [Int64])
      try Checkpoint(labels).save(to: file)
      let found: [Int] = try Python.value(
        "result = load(file).tolist()",
        ["file": .text(file)]
      )
      #expect(found == [5, 0, 4, 1])
      try Self.check(["data": labels], in: file)
    }
  }

  @Test("weights_only lets every file through that is made here")
  func weightsOnly() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("weights.pth")
      for layout in [TorchLayout.torch1, .torch2] {
        try Checkpoint(StateDict(Self.tensors())).save(
          to: file,
          options: WriteOptions(layout: layout)
        )
        let count: Int = try Python.value(
          "result = len(torch.load(file, weights_only=True))",
          ["file": .text(file)]
        )
        #expect(count == 12)
      }
    }
  }

  @Test("torch writes the very bytes that were written here")
  func sameBytes() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("hw7.pth")
      let again = try TemporaryDirectory()
      let isNew: Bool = try Python.value(
        "result = not torch.__version__.startswith('1.')"
      )
      for state in [MyConvNet(seed: 3).stateDict(), StateDict()] {
        try Checkpoint(state).save(
          to: file,
          options: WriteOptions(layout: isNew ? .torch2 : .torch1)
        )
        try Python.run(
          "torch.save(load(file), again)",
          ["file": .text(file), "again": .text(again.file("hw7.pth"))]
        )
        #expect(try readFile(file) == readFile(again.file("hw7.pth")))
      }
    }
  }

  /// Structures in the fixtures, of every kind that a pickler meets.
  static let structures = [
    "training", "values", "objects", "shared", "cycle", "numpy", "module",
    "ordered_with_attributes", "many", "many_tensors", "parameters",
    "quantized", "empties", "dtype_all", "wrapped", "storages", "meta",
  ]

  @Test(
    "torch's files of every protocol come out byte for byte",
    arguments: structures,
    2...5
  )
  func sameBytes(name: String, version: Int) throws {
    let source = Fixture.path("\(try EditingTests.fixtures())/\(name).pth")
    try withTemporaryDirectory { folder in
      let file = folder.file("x.pth")
      try Python.run(
        "torch.save(load(source), file, pickle_protocol=version)",
        [
          "source": .text(source), "file": .text(file),
          "version": .integer(version),
        ]
      )
      let theirs = try readFile(file)
      let again = try TemporaryDirectory()
      try Checkpoint.open(file).save(to: again.file("x.pth"))
      #expect(try readFile(again.file("x.pth")) == theirs)
    }
  }

  @Test(
    "a file changes its protocol as it would in torch",
    arguments: [
      "training", "shared", "many_tensors", "state_dict", "views", "numpy",
      "parameters", "quantized", "module",
    ],
    2...5
  )
  func changesProtocol(name: String, version: Int) throws {
    let source = Fixture.path("\(try EditingTests.fixtures())/\(name).pth")
    try withTemporaryDirectory { folder in
      let ours = folder.file("x.pth")
      let theirs = try TemporaryDirectory()
      for first in [2, 4] {
        let start = try TemporaryDirectory()
        try Python.run(
          """
          o = load(source)
          torch.save(o, start, pickle_protocol=first)
          torch.save(o, theirs, pickle_protocol=version)
          """,
          [
            "source": .text(source), "start": .text(start.file("x.pth")),
            "theirs": .text(theirs.file("x.pth")), "first": .integer(first),
            "version": .integer(version),
          ]
        )
        try Checkpoint.open(start.file("x.pth")).save(
          to: ours,
          options: WriteOptions(pickleProtocol: version)
        )
        // In protocol 5 NumPy hands its arrays over as buffers, which makes
        // other bytes of the same object.
        guard name != "numpy" || version < 5 else { continue }
        #expect(
          try readFile(ours) == readFile(theirs.file("x.pth")),
          "from \(first)"
        )
      }
    }
  }

  @Test("a Swift model loads strictly into torch's, versions included")
  func modelLoads() throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("model.pth")
      try Checkpoint(MyConvNet(seed: 5).stateDict()).save(to: file)
      let metadata: [Bool] = try Python.value(
        """
        net = network()
        found = load(file)
        net.load_state_dict(found, strict=True)
        own = net.state_dict()
        result = [
            type(found) is type(own),
            list(found) == list(own),
            found._metadata == own._metadata,
            list(found._metadata) == list(own._metadata),
            all(torch.equal(found[k], own[k]) for k in own),
        ]
        """,
        ["file": .text(file)]
      )
      #expect(metadata == [true, true, true, true, true])
    }
  }
}
