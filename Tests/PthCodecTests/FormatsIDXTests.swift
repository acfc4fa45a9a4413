import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// IDX files, plain and gzipped, and what a network takes of them.
struct FormatsIDXTests {
  @Test(
    "An IDX file written again is the same file",
    arguments: [
      "images-idx3-ubyte", "labels-idx1-ubyte", "int8-idx3", "int16-idx3",
      "int32-idx3", "float32-idx3", "float64-idx3", "empty-idx3-ubyte",
    ]
  )
  func writesWhatItRead(_ name: String) throws {
    let checkpoint = try Checkpoint.open(Fixture.path("formats/" + name))
    try withTemporaryDirectory { folder in
      let path = folder.file("copy.idx")
      try checkpoint.save(to: path)
      #expect(try readFile(path) == Fixture.bytes("formats/" + name))
    }
  }

  @Test("A gzipped file inflates to the same tensor, also in many members")
  func readsWhatItCompressed() throws {
    let numbers = (0..<9_000_000).map { Int32(truncatingIfNeeded: $0 * $0) }
    let tensor = try Tensor(numbers, shape: [3, 3_000_000])
    try withTemporaryDirectory { folder in
      let path = folder.file("numbers.idx.gz")
      try Checkpoint(tensor).save(to: path)
      let bytes = try readFile(path)
      #expect(bytes.starts(with: [0x1f, 0x8b]))
      let copy = try Checkpoint.open(path).tensor("data")
      #expect(copy.shape == [3, 3_000_000])
      #expect(try copy.elements(as: Int32.self) == numbers)
    }
  }

  @Test("MNIST becomes float32 and int64, and comes back as it was")
  func scalesMNIST() throws {
    let images = try Checkpoint.open(
      Fixture.path("mnist/t10k-images-idx3-ubyte.gz")
    )
    #expect(images.format == .idx)
    let pixels = try images.tensor("data").elements(as: UInt8.self)
    let scaled = try DatasetConversion.scaled(images)
    let tensor = try scaled.tensor("data")
    #expect(tensor.shape == [2000, 1, 28, 28])
    let values = try tensor.elements(as: Float.self)
    #expect(zip(values, pixels).allSatisfy { $0 == Float($1) / 255 })
    #expect(values.max() == 1)
    let back = try DatasetConversion.unscaled(scaled).tensor("data")
    #expect(back.shape == [2000, 28, 28])
    #expect(try back.elements(as: UInt8.self) == pixels)

    let labels = try Checkpoint.open(
      Fixture.path("mnist/t10k-labels-idx1-ubyte.gz")
    )
    let wide = try DatasetConversion.scaled(labels)
    #expect(try wide.tensor("data").dtype == .int64)
    #expect(
      try wide.tensor("data").elements(as: Int64.self).prefix(5)
        == [7, 2, 1, 0, 4]
    )
    let narrow = try DatasetConversion.unscaled(wide)
    #expect(
      try narrow.tensor("data").elements(as: UInt8.self)
        == labels.tensor("data").elements(as: UInt8.self)
    )
  }

  @Test(
    "A value that is no pixel is refused with its index",
    arguments: [0.5, -0.1, 1.1, Float.nan, .infinity]
  )
  func refusesOtherValues(_ value: Float) throws {
    var values = [Float](repeating: 1, count: 2 * 3 * 4)
    values[17] = value
    let checkpoint = Checkpoint(try Tensor(values, shape: [2, 1, 3, 4]))
    let error = #expect(throws: CheckpointError.self) {
      try DatasetConversion.unscaled(checkpoint)
    }
    #expect(error?.message.contains("[1, 0, 1, 1]") == true)
    if value.isNaN {
      #expect(throws: CheckpointError.self) {
        try DatasetConversion.unscaled(checkpoint, allowsLoss: true)
      }
    } else {
      let pixels = try DatasetConversion.unscaled(checkpoint, allowsLoss: true)
        .tensor("data").elements(as: UInt8.self)
      #expect(pixels[17] == UInt8(max(0, min(255, (value * 255).rounded()))))
    }
  }

  @Test("A value within 1e-6 of a pixel's is that pixel")
  func toleratesRounding() throws {
    let values = (0...255).map { Float($0) / 255 + 5e-7 }
    let checkpoint = Checkpoint(try Tensor(values, shape: [1, 1, 16, 16]))
    let pixels = try DatasetConversion.unscaled(checkpoint).tensor("data")
    #expect(try pixels.elements(as: UInt8.self) == Array(0...255))
  }

  @Test("A label beyond a byte is refused")
  func refusesLargeLabels() throws {
    let checkpoint = Checkpoint(try Tensor([Int64(1), 256]))
    #expect(throws: CheckpointError.self) {
      try DatasetConversion.unscaled(checkpoint)
    }
  }

  @Test("Damaged files are errors that tell where")
  func refusesDamage() throws {
    let good = try Fixture.bytes("formats/images-idx3-ubyte")
    let packed = try Fixture.bytes("formats/labels-idx1-ubyte.gz")
    var cases: [(String, [UInt8])] = [
      ("cut", Array(good.dropLast())), ("long", good + [0]),
      ("head", Array(good.prefix(9))),
      ("huge", [0, 0, 8, 4] + [UInt8](repeating: 255, count: 16)),
    ]
    for length in [3, 10, packed.count / 2, packed.count - 1] {
      cases.append(("gzip cut to \(length)", Array(packed.prefix(length))))
    }
    var flipped = packed
    flipped[packed.count / 2] ^= 4
    cases.append(("gzip flipped", flipped))
    try withTemporaryDirectory { folder in
      for (name, bytes) in cases {
        let path = folder.file("damaged")
        try writeFile(bytes, to: path)
        let error = #expect(throws: CheckpointError.self, "\(name)") {
          try Checkpoint.open(path, as: .idx)
        }
        #expect(error?.code == .damaged, "\(name)")
        #expect(error?.offset != nil, "\(name)")
      }
    }
  }

  @Test("A gzip bomb stops at the limit")
  func limitsInflation() throws {
    let zeros = try Tensor([UInt8](repeating: 0, count: 1 << 25))
    try withTemporaryDirectory { folder in
      let path = folder.file("zeros.idx.gz")
      try Checkpoint(zeros).save(to: path)
      for options in [
        ReadOptions(maxInflatedSize: 1 << 20),
        ReadOptions(maxInflationRatio: 10),
      ] {
        let error = #expect(throws: CheckpointError.self) {
          try Checkpoint.open(path, options: options)
        }
        #expect(error?.code == .limit)
      }
    }
  }

  @Test("What IDX can't hold is refused by name, and the old file stays")
  func refusesWhatItLacks() throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("out.idx")
      try writeFile([1, 2, 3], to: path)
      let two = Checkpoint(
        format: .pytorchZip,
        tensors: ["a": try Tensor([UInt8(1)]), "b": try Tensor([UInt8(2)])]
      )
      let long = Checkpoint(try Tensor([Int64(1)]))
      var named = Checkpoint(try Tensor([UInt8(1)]))
      named.values = [
        CheckpointValue(path: "epoch", type: "int", value: .int(3))
      ]
      for checkpoint in [two, long, named] {
        #expect(throws: CheckpointError.self) { try checkpoint.save(to: path) }
      }
      let lossy = #expect(throws: CheckpointError.self) {
        try named.save(to: path)
      }
      #expect(lossy?.code == .lossy)
      #expect(lossy?.keyPath == "epoch")
      #expect(try readFile(path) == [1, 2, 3])
      #expect(try folder.names() == ["out.idx"])
      try named.save(to: path, options: WriteOptions(allowsLoss: true))
      #expect(try readFile(path) == [0, 0, 8, 1, 0, 0, 0, 1, 1])
    }
  }

  @Test(
    "A head that is none is told by its first wrong byte",
    arguments: [
      ([0, 1, 8, 1, 0, 0, 0, 1, 7], 0, "begins with two zeros"),
      ([0, 0, 10, 1, 0, 0, 0, 1, 7], 2, "10 is not one of the type codes"),
      ([0, 0, 8], 0, "begins with two zeros"),
    ] as [([UInt8], Int, String)]
  )
  func refusesHeads(head: [UInt8], offset: Int, message: String) throws {
    try withTemporaryDirectory { folder in
      let path = folder.file("labels")
      try writeFile(head, to: path)
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(path, as: .idx)
      }
      #expect(error?.offset == offset)
      #expect(
        error?.message.contains(message) == true,
        "\(error?.message ?? "")"
      )
    }
  }

  @Test("A shape that IDX can't write is told, and nothing is written")
  func refusesShapes() throws {
    let deep = try Tensor(
      dtype: .uint8,
      layout: Layout(contiguous: Array(repeating: 1, count: 256)),
      storage: Storage([7] as [UInt8])
    )
    let wide = try Tensor(
      dtype: .uint8,
      layout: Layout(shape: [1 << 32, 0], strides: [0, 1]),
      storage: Storage([] as [UInt8])
    )
    for (tensor, message) in [
      (deep, "IDX has at most 255 dimensions, the tensor 256"),
      (wide, "IDX counts a dimension in 32 bits; 4294967296 is larger"),
    ] {
      let folder = try TemporaryDirectory()
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint(tensor).save(to: folder.file("a.idx"))
      }
      #expect(error?.message == message)
      #expect(try folder.names() == [])
    }
  }
}
