import Foundation
import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// GGUF with its typed metadata and block types.
struct FormatsGGUFTests {
  @Test("A file of plain types written again is the library's, byte for byte")
  func writesWhatTheReferenceWrites() throws {
    let checkpoint = try Checkpoint.open(Fixture.path("formats/plain.gguf"))
    try withTemporaryDirectory { folder in
      let path = folder.file("copy.gguf")
      try checkpoint.save(to: path)
      #expect(try readFile(path) == Fixture.bytes("formats/plain.gguf"))
    }
  }

  @Test("Metadata keeps its types as texts")
  func keepsTypes() throws {
    let metadata = try Checkpoint.open(Fixture.path("formats/plain.gguf"))
      .metadata
    #expect(metadata["general.architecture"] == "test")
    #expect(metadata["pth.u8"] == "u8:255")
    #expect(metadata["pth.i64"] == "i64:-9223372036854775808")
    #expect(metadata["pth.u64"] == "u64:18446744073709551615")
    #expect(metadata["pth.f32"] == "f32:0.5")
    #expect(metadata["pth.f64"] == "f64:0.1")
    #expect(metadata["pth.yes"] == "bool:true")
    #expect(metadata["pth.text"] == "刘卓逸")
    #expect(metadata["pth.numbers"] == #"array<i32>:["1","2","3"]"#)
    #expect(metadata["pth.words"] == #"array<string>:["a","b"]"#)
  }

  @Test("Texts that look like types come back as they were")
  func keepsOddTexts() throws {
    let texts: OrderedDictionary<String, String> = [
      "a": "u8:5", "b": "u8:256", "c": "u8:05", "d": "string:u8:5",
      "e": "string:x", "f": "f32:0x7fc00001", "g": "f32:nan", "h": "",
      "i": "base64:gA==", "j": "base64:YQ==",
      "k": #"array<array>:["array<u8>:[\"1\"]"]"#, "l": "array<u8>:[1]",
      "m": #"array<string>:["u8:5","string:u8:5","é"]"#,
      "n": "string:string:u8:1", "o": "f64:inf", "p": "a:b",
    ]
    let checkpoint = Checkpoint(
      format: .gguf,
      tensors: [:],
      moduleVersions: ["": 1, "bn": 2],
      metadata: texts
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("texts.gguf")
      try checkpoint.save(to: path)
      var found = try Checkpoint.open(path)
      #expect(
        found.metadata.removeValue(forKey: "general.architecture") == "pth"
      )
      #expect(found.metadata == texts)
      #expect(found.moduleVersions == checkpoint.moduleVersions)
    }
  }

  @Test(
    "Quantizing gives ggml's own blocks",
    arguments: ["q8_0", "q4_0"]
  )
  func quantizes(_ type: String) throws {
    let source = try Checkpoint.open(Fixture.path("formats/version3.gguf"))
    let values = try source.tensor("f32")
    let expected = try source.tensor(type).elements(as: Float.self)
    let plain = Checkpoint(
      format: .pytorchZip,
      tensors: [
        "m": values, "bias": try Tensor([Float](repeating: 1, count: 32)),
      ]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("blocks.gguf")
      let options = WriteOptions(settings: ["dtype": type])
      try plain.save(to: path, options: options)
      let copy = try Checkpoint.open(path)
      #expect(try copy.tensor("m").elements(as: Float.self) == expected)
      #expect(
        try copy.tensor("bias").elements(as: Float.self).allSatisfy { $0 == 1 }
      )
      // The blocks themselves, as the library laid them out.
      let written = try readFile(path)
      let reference = try Fixture.bytes("formats/version3.gguf")
      let size = 8 * (type == "q8_0" ? 34 : 18)
      let offset = type == "q8_0" ? 1024 : 1024 + 288
      let data = reference.count - (1024 + 288 + 160)
      let blocks = reference[(data + offset)..<(data + offset + size)]
      #expect(written.indices.contains { written[$0...].starts(with: blocks) })
    }
  }

  @Test(
    "Numbers that blocks can't hold are refused",
    arguments: [
      Float.nan, .infinity, 1e30,
    ]
  )
  func refusesNumbers(_ number: Float) throws {
    var values = [Float](repeating: 1, count: 64)
    values[40] = number
    let checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: ["m": try Tensor(values, shape: [2, 32])]
    )
    try withTemporaryDirectory { folder in
      let error = #expect(throws: CheckpointError.self) {
        try checkpoint.save(
          to: folder.file("x.gguf"),
          options: WriteOptions(settings: ["dtype": "q8_0"])
        )
      }
      #expect(error?.keyPath == "m")
      let names = try folder.names()
      #expect(names == [])
    }
  }

  @Test("Names, shapes and dtypes that ggml lacks are refused")
  func refusesWhatItLacks() throws {
    let long = String(repeating: "n", count: 64)
    let cases: [(String, Tensor)] = [
      (long, try Tensor([Float(1)])),
      ("rank", try Tensor([Float(1)], shape: [1, 1, 1, 1, 1])),
      ("bool", try Tensor([UInt8(1)]).converted(to: .bool)),
    ]
    try withTemporaryDirectory { folder in
      for (name, tensor) in cases {
        let checkpoint = Checkpoint(
          format: .pytorchZip,
          tensors: [name: tensor]
        )
        let error = #expect(throws: CheckpointError.self) {
          try checkpoint.save(to: folder.file("x.gguf"))
        }
        #expect(error?.keyPath == name)
      }
      let scalar = Checkpoint(
        format: .pytorchZip,
        tensors: ["s": try Tensor([Int64(7)], shape: [])]
      )
      try scalar.save(to: folder.file("s.gguf"))
      let copy = try Checkpoint.open(folder.file("s.gguf")).tensor("s")
      #expect(copy.shape == [])
      #expect(try copy.elements(as: Int64.self) == [7])
    }
  }

  @Test("A file cut off or changed in its head is an error, never a crash")
  func refusesDamage() throws {
    let good = try Fixture.bytes("formats/version3.gguf")
    var generator = SeededGenerator(for: "GGUF damage")
    try withTemporaryDirectory { folder in
      let path = folder.file("damaged.gguf")
      for length in stride(from: 4, to: good.count - 32, by: 7) {
        try writeFile(good.prefix(length), to: path)
        #expect(throws: CheckpointError.self, "\(length) bytes") {
          try Checkpoint.open(path, as: .gguf)
        }
      }
      for _ in 0..<500 {
        var bytes = good
        let place = Int.random(in: 4..<700, using: &generator)
        bytes[place] = UInt8.random(in: 0...255, using: &generator)
        try writeFile(bytes, to: path)
        do {
          for tensor in try Checkpoint.open(path, as: .gguf).tensors.values {
            try tensor.forEachContiguousPiece { _ in }
          }
        } catch is CheckpointError {}
      }
      for place in [8, 16] {
        var bytes = good
        bytes.replaceSubrange(
          place..<(place + 8),
          with: [UInt8](repeating: 255, count: 8)
        )
        try writeFile(bytes, to: path)
        #expect(throws: CheckpointError.self) {
          try Checkpoint.open(path, as: .gguf)
        }
      }
    }
  }

  @Test(
    "A million numbers become ggml's blocks, and come back, bit for bit",
    arguments: ["Q8_0", "Q4_0"]
  )
  func quantizesAMillion(_ type: String) throws {
    let digests = try JSONDecoder().decode(
      [String: String].self,
      from: Data(Fixture.bytes("conversions/digests.json"))
    )
    // As fixtures/conversions/make.py makes them.
    var numbers = (0..<(1 << 20)).map { index in
      let integer = Int32(truncatingIfNeeded: Self.word(UInt64(index) + 1))
      return Float(
        sign: .plus,
        exponent: index / 32 % 56 - 70,
        significand: Float(integer)
      )
    }
    numbers.replaceSubrange(160..<192, with: repeatElement(0, count: 32))
    let checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: ["m": try Tensor(numbers, shape: [1 << 15, 32])]
    )
    try withTemporaryDirectory { folder in
      let path = folder.file("blocks.gguf")
      try checkpoint.save(
        to: path,
        options: WriteOptions(settings: ["dtype": type.lowercased()])
      )
      let size = (1 << 15) * (type == "Q8_0" ? 34 : 18)
      let encoded = Self.digest(
        try readFile(path).suffix(size).map(UInt64.init)
      )
      #expect(encoded == digests["float32 \(type)"])
      let copy = try Checkpoint.open(path)
      // Who wrote the file, and how its blocks are made, is no loss.
      #expect(try copy.losses(savingTo: folder.file("copy.pth")).isEmpty)
      let decoded = try copy.tensor("m").elements(as: Float.self)
      #expect(
        Self.digest(decoded.map { UInt64($0.bitPattern) })
          == digests["\(type) float32"]
      )
    }
  }

  /// SplitMix64's numbers from seed 1, counted from 1.
  private static func word(_ index: UInt64) -> UInt64 {
    var state = 1 &+ index &* 0x9E37_79B9_7F4A_7C15
    state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
    return state ^ (state >> 31)
  }

  private static func digest(_ numbers: [UInt64]) -> String {
    var odd: UInt64 = 1
    var sum: UInt64 = 0
    for number in numbers {
      sum &+= (number &+ 1) &* odd &* 0x9E37_79B9_7F4A_7C15
      odd &+= 2
    }
    return String(format: "%016lx", sum)
  }
}
