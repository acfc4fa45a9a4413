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
}
