import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// NumPy's arrays, alone and in archives.
struct FormatsNumPyTests {
  static let native = (try? Fixture.names(in: "formats", suffix: ".npy")) ?? []

  @Test(
    "An array written again is numpy's file, byte for byte",
    arguments: native.filter {
      $0.contains("/c_")
        || ["fortran.npy", "scalar.npy", "empty.npy"]
          .contains($0.split(separator: "/").last.map(String.init))
    }
  )
  func writesWhatNumPyWrites(_ name: String) throws {
    let checkpoint = try Checkpoint.open(Fixture.path(name))
    try withTemporaryDirectory { folder in
      let path = folder.file("copy.npy")
      try checkpoint.save(to: path)
      #expect(try readFile(path) == Fixture.bytes(name))
    }
  }

  @Test("A column-major array is a view of the file, not a copy")
  func readsFortranOrderAsStrides() throws {
    let checkpoint = try Checkpoint.open(Fixture.path("formats/fortran.npy"))
    let tensor = try checkpoint.tensor("data")
    #expect(tensor.shape == [2, 3, 4])
    #expect(tensor.layout.strides == [1, 2, 6])
  }

  @Test(
    "Arrays of objects, records and text are refused with the reason",
    arguments: [
      ("refused_object.npy", "objects"), ("refused_fields.npy", "records"),
      ("refused_text.npy", "text"),
    ]
  )
  func refusesOtherElements(_ name: String, _ word: String) throws {
    let error = #expect(throws: CheckpointError.self) {
      try Checkpoint.open(Fixture.path("formats/" + name))
    }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains(word) == true)
  }

  @Test("A dtype that NumPy lacks is refused by name")
  func refusesBFloat16() throws {
    let tensor = try Tensor([Float(1)]).converted(to: .bfloat16)
    try withTemporaryDirectory { folder in
      let error = #expect(throws: CheckpointError.self) {
        try Checkpoint(tensor).save(to: folder.file("a.npy"))
      }
      #expect(error?.message.contains("bfloat16") == true)
      let names = try folder.names()
      #expect(names == [])
    }
  }

  @Test("A file cut off or changed in its head is an error")
  func refusesDamage() throws {
    let good = try Fixture.bytes("formats/c_float32.npy")
    try withTemporaryDirectory { folder in
      let path = folder.file("damaged.npy")
      func refuses(_ bytes: [UInt8], _ what: String) throws {
        try writeFile(bytes, to: path)
        let error = #expect(throws: CheckpointError.self, "\(what)") {
          try Checkpoint.open(path, as: .npy)
        }
        #expect(error?.offset != nil, "\(what)")
      }
      for length in 1..<good.count {
        try refuses(Array(good.prefix(length)), "cut to \(length)")
      }
      try refuses(good + [0], "one byte too many")
      let text = String(decoding: good[10..<128], as: UTF8.self)
      let changes = [
        ("'<f4'", "'<f5'"), ("False", "Maybe"), ("(2, 3)", "(2, 4)"),
        ("(2, 3)", "(-2, 3)"), ("'descr'", "'Descr'"), ("{", "["),
        ("(2, 3)", "(99999999999999999999, 3)"), ("}", " "),
        ("'shape': (2, 3)", "'descr': '<f4'"),
      ]
      for (from, to) in changes {
        var changed = text.replacing(from, with: to)
        while changed.utf8.count > 118 {
          changed = changed.replacing(" \n", with: "\n")
        }
        let padding = String(repeating: " ", count: 118 - changed.utf8.count)
        changed = changed.replacing("\n", with: padding + "\n")
        try refuses(
          good[..<10] + Array(changed.utf8) + good[128...],
          "\(from) → \(to)"
        )
      }
    }
  }

  @Test(
    "An archive keeps names, shapes and elements",
    arguments: [true, false]
  )
  func writesArchives(_ compresses: Bool) throws {
    let long = (0..<3_000_000).map { Int32($0 % 1000) }
    let base = try Tensor((0..<600_000).map { Float($0) }, shape: [600, 1000])
    let turned = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [999, 600], strides: [1, 1000], offset: 1),
      storage: base.storage
    )
    let gaps = try Tensor(
      dtype: .float32,
      layout: Layout(shape: [600, 500], strides: [1000, 2]),
      storage: base.contiguous().storage
    )
    let tensors: OrderedDictionary<String, Tensor> = [
      "a/b": try Tensor(long), "层": turned, "gaps": gaps,
      "scalar": try Tensor([Int64(5)], shape: []),
      "none": try Tensor([Double](), shape: [0, 2]),
      "lazy": try Tensor(long).convertedWhenRead(to: .float64),
    ]
    let checkpoint = Checkpoint(format: .pytorchZip, tensors: tensors)
    try withTemporaryDirectory { folder in
      let path = folder.file("a.npz")
      let options = WriteOptions(
        allowsLoss: true,
        settings: ["compress": "\(compresses)"]
      )
      try checkpoint.save(to: path, options: options)
      let size = try readFile(path).count
      #expect(compresses == (size < 20_000_000))
      let copy = try Checkpoint.open(path)
      #expect(copy.format == .npz)
      #expect(copy.tensors.keys == tensors.keys)
      for (name, tensor) in tensors {
        let found = try copy.tensor(name)
        #expect(found.shape == tensor.shape, "\(name)")
        #expect(try found.sha256() == tensor.sha256(), "\(name)")
      }
    }
  }

  @Test("What an archive of arrays can't hold is told")
  func tellsLosses() throws {
    let weight = try Tensor([Float(1), 2])
    var checkpoint = Checkpoint(
      format: .pytorchZip,
      tensors: ["a": weight, "b": weight],
      moduleVersions: ["": 1]
    )
    checkpoint.tensors["c"] = try weight.converted(to: .bfloat16)
    try withTemporaryDirectory { folder in
      let error = #expect(throws: CheckpointError.self) {
        try checkpoint.save(to: folder.file("a.npz"))
      }
      let message = error?.message ?? ""
      #expect(
        message.contains("b: npz does not keep that it shares memory with a")
      )
      #expect(message.contains("_metadata"))
      #expect(message.contains("c: npz has no bfloat16"))
    }
  }

  @Test("A damaged archive is an error")
  func refusesDamagedArchives() throws {
    for name in ["stored.npz", "deflated.npz"] {
      let good = try Fixture.bytes("formats/" + name)
      try withTemporaryDirectory { folder in
        let path = folder.file("damaged.npz")
        for length in stride(from: 4, to: good.count, by: 97) {
          try writeFile(good.prefix(length), to: path)
          #expect(throws: (any Error).self, "\(name) cut to \(length)") {
            try Checkpoint.open(path, as: .npz)
          }
        }
      }
    }
  }

  @Test("More than 64 MiB of little takes leave to be inflated")
  func limitsRatio() throws {
    let zeros = try Tensor([UInt8](repeating: 0, count: 80 << 20))
    try withTemporaryDirectory { folder in
      let path = folder.file("zeros.npz")
      try Checkpoint(format: .npz, tensors: ["a": zeros]).save(
        to: path,
        options: WriteOptions(settings: ["compress": "true"])
      )
      let codes = try FileVerifier.verify(path).findings.map(\.code)
      #expect(codes.contains("inflates-too-large"))
      let wide = ReadOptions(maxInflationRatio: 2000)
      #expect(
        try FileVerifier.verify(path, options: VerifyOptions(reading: wide))
          .findings.isEmpty
      )
    }
  }
}
