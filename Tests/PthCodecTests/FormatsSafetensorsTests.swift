import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// safetensors, in one file and in several.
struct FormatsSafetensorsTests {
  @Test(
    "A file written again is the reference's, byte for byte",
    arguments: [
      "all.safetensors", "empty.safetensors", "no_tensors.safetensors",
    ]
  )
  func writesWhatTheReferenceWrites(_ name: String) throws {
    let checkpoint = try Checkpoint.open(Fixture.path("formats/" + name))
    // The order in memory does not matter: the file has the reference's.
    let shuffled = Checkpoint(
      format: .safetensors,
      tensors: OrderedDictionary(
        uniqueKeysWithValues: checkpoint.tensors.reversed().map {
          ($0.key, $0.value)
        }
      ),
      metadata: checkpoint.metadata
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("copy.safetensors")
      try shuffled.save(to: path)
      #expect(try readFile(path) == Fixture.bytes("formats/" + name))
    }
  }

  @Test("Texts, module versions and odd names come back")
  func keepsTexts() throws {
    let checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: [
        "a \"quoted\"\\ name\n\u{1}": try Tensor([Float(1)]),
        "层.权重": try Tensor([Int64(2)]),
        "": try Tensor([UInt8(3)]),
      ],
      moduleVersions: ["": 1, "bn": 2],
      metadata: ["format": "pt", "z": "ü\t", "a": ""]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("texts.safetensors")
      try checkpoint.save(to: path)
      let copy = try Checkpoint.open(path)
      #expect(Set(copy.tensors.keys) == Set(checkpoint.tensors.keys))
      #expect(copy.metadata == checkpoint.metadata)
      #expect(copy.moduleVersions == checkpoint.moduleVersions)
    }
  }

  @Test("A view is written without its gaps; strides and sharing are told")
  func writesViews() throws {
    let base = try Tensor((0..<6).map { Float($0) }, shape: [2, 3])
    let turned = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [3, 2], strides: [1, 3]),
      storage: base.storage
    )
    let alone = Checkpoint(format: .pytorchZip, tensors: ["t": turned])
    let both = Checkpoint(
      format: .pytorchZip,
      tensors: ["b": base, "t": turned]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("view.safetensors")
      let error = #expect(throws: CheckpointError.self) {
        try alone.save(to: path)
      }
      #expect(error?.code == .lossy)
      #expect(error?.keyPath == "t")
      #expect(error?.message.contains("strides [1, 3]") == true)
      try alone.save(to: path, options: WriteOptions(allowsLoss: true))
      let copy = try Checkpoint.open(path).tensor("t")
      #expect(try copy.elements(as: Float.self) == [0, 3, 1, 4, 2, 5])
      let losses = try both.losses(savingTo: path)
      #expect(losses.map(\.path) == ["t", "t"])
      #expect(losses.last?.reason.contains("shares memory with b") == true)
    }
  }

  @Test("What the format can't hold is listed by name")
  func listsLosses() throws {
    var quantized = try Tensor(
      dtype: .qint8,
      layout: Layout(contiguous: [1]),
      storage: Storage([Int8(1)])
    )
    quantized.quantization = .perTensor(scale: 1, zeroPoint: 0)
    var checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: ["q": quantized, "w": try Tensor([Float(1)])]
    )
    checkpoint.values = [
      CheckpointValue(path: "epoch", type: "int", value: .int(1))
    ]
    try withTemporaryDirectory { folder in
      let path = folder.file("lossy.safetensors")
      let error = #expect(throws: CheckpointError.self) {
        try checkpoint.save(to: path)
      }
      #expect(error?.message.contains("epoch") == true)
      #expect(error?.message.contains("qint8") == true)
      #expect(try folder.names() == [])
      try checkpoint.save(to: path, options: WriteOptions(allowsLoss: true))
      #expect(try Checkpoint.open(path).tensors.keys == ["w"])
    }
  }

  @Test("Shards and their index come back as one checkpoint")
  func writesShards() throws {
    var tensors: OrderedDictionary<String, Tensor> = [:]
    for index in 0..<7 {
      tensors["layer.\(index)"] = try Tensor(
        [Float](repeating: Float(index), count: 100)
      )
    }
    let checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: tensors,
      moduleVersions: ["": 1],
      metadata: ["format": "pt"]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("m.safetensors.index.json")
      try checkpoint.save(
        to: path,
        options: WriteOptions(settings: ["max-shard-size": "1KB"])
      )
      #expect(
        try folder.names() == [
          "m-00001-of-00004.safetensors", "m-00002-of-00004.safetensors",
          "m-00003-of-00004.safetensors", "m-00004-of-00004.safetensors",
          "m.safetensors.index.json",
        ]
      )
      let copy = try Checkpoint.open(path)
      #expect(copy.tensors.keys == checkpoint.tensors.keys)
      #expect(copy.moduleVersions == ["": 1])
      #expect(copy.metadata == ["format": "pt"])
      for (name, tensor) in copy.tensors {
        #expect(try tensor.sha256() == tensors[name]?.sha256())
      }
      let wrong = WriteOptions(settings: ["max-shard-size": "many"])
      #expect(throws: CheckpointError.self) {
        try checkpoint.save(to: path, options: wrong)
      }
    }
  }

  @Test(
    "An index that does not fit its shards is refused",
    arguments: [
      #"{"weight_map": {"w": "../x.safetensors"}}"#,
      #"{"weight_map": {"w": "x.safetensors", "v": "x.safetensors"}}"#,
      #"{"weight_map": {}, "weight_map": {}}"#,
      #"{"metadata": {}}"#, #"{"weight_map": {"w": 1}}"#,
      #"{"weight_map": {"w": "x.safetensors"}} x"#,
      #"{"weight_map": {"w": "gone.safetensors"}}"#,
      #"{"weight_map": {"other": "x.safetensors"}}"#,
    ]
  )
  func refusesWrongIndex(_ text: String) throws {
    try withTemporaryDirectory { folder in
      let shard = Checkpoint(
        format: .safetensors,
        tensors: ["w": try Tensor([Float(1)])]
      )
      try shard.save(to: folder.file("x.safetensors"))
      let path = folder.file("model.safetensors.index.json")
      try writeFile(text.utf8, to: path)
      #expect(throws: (any Error).self) { try Checkpoint.open(path) }
      let good = #"{"weight_map": {"w": "x.safetensors"}}"#
      try writeFile(good.utf8, to: path)
      #expect(try Checkpoint.open(path).tensors.keys == ["w"])
      #expect(try Checkpoint.open(folder.path).tensors.keys == ["w"])
    }
  }

  static let brokenHeaders: [(String, Int)] = [
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8),
    (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4),
    (#"{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#, 4),
    (#"{"a":{"dtype":"X32","shape":[1],"data_offsets":[0,4]}}"#, 4),
    (#"{"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}}"#, 3),
    (#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, 2),
    (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4),
    (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"dtype":"I32"}}"#,
      4
    ),
    (
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
        + #""a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 4
    ),
    (
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#, 6
    ),
    (
      #"{"a":{"dtype":"U8","shape":[9223372036854775807,2],"#
        + #""data_offsets":[0,0]}}"#, 0
    ),
    (
      #"{"a":{"dtype":"U8","shape":[4],"#
        + #""data_offsets":[0,18446744073709551615]}}"#, 4
    ),
    (#"{"__metadata__":{"a":1}}"#, 0), (#"{"__metadata__":"a"}"#, 0),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, 4),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x"#, 4),
    ("{}", 1), ("{\"\\ud800\":{}}", 0), ("{\"\u{1}\":{}}", 0),
    ("{\"a\":" + String(repeating: "[", count: 100_000), 0),
  ]

  @Test(
    "Headers that the reference refuses are refused",
    arguments: brokenHeaders
  )
  func refusesHeader(_ text: String, _ bytes: Int) throws {
    var file: [UInt8] = withUnsafeBytes(
      of: UInt64(text.utf8.count).littleEndian
    ) { Array($0) }
    file += text.utf8
    file += [UInt8](repeating: 0, count: bytes)
    try withTemporaryDirectory { folder in
      let path = folder.file("broken.safetensors")
      try writeFile(file, to: path)
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint.open(path)
      }
      #expect(error?.file == path)
      #expect(error?.offset != nil || error?.keyPath != nil)
    }
  }

  @Test("A file cut off anywhere is an error")
  func refusesCutFiles() throws {
    let good = try Fixture.bytes("formats/metadata.safetensors")
    try withTemporaryDirectory { folder in
      let path = folder.file("cut.safetensors")
      for length in 1..<good.count {
        try writeFile(good.prefix(length), to: path)
        #expect(throws: CheckpointError.self, "\(length) bytes") {
          try Checkpoint.open(path, as: .safetensors)
        }
      }
      var long = good
      long.replaceSubrange(
        0..<8,
        with: [255, 255, 255, 255, 255, 255, 255, 127]
      )
      try writeFile(long, to: path)
      #expect(throws: CheckpointError.self) {
        try Checkpoint.open(path, as: .safetensors)
      }
    }
  }
}
