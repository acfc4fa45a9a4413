import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// Decoders of a program's own classes.
struct EditingDecoderTests {
  private static let file = Fixture.path("torch-2.13/objects.pth")

  private struct Complaint: Error, CustomStringConvertible {
    let description = "no such rate"
  }

  @Test("An object becomes tensors and values under its own name")
  func decodes() throws {
    let decoders: ObjectDecoders = [
      "opaque_classes.Settings": { object in
        guard let state = object.state, state["rate"]?.double == 0.5,
          state["names"]?.elements?.compactMap(\.string) == ["a"],
          let weight = try state["weight"]?.tensor()
        else { return nil }
        return .tensor(weight)
      },
      "opaque_classes.Slotted": { object in
        let slots = object.state?.elements?.last
        guard let right = try slots?["right"]?.tensor() else { return nil }
        return .tensors([("first", right), ("second", right)])
      },
      "decimal.Decimal": { object in
        object.arguments.first?.string.flatMap { Double($0) }
          .map { .value(.float($0)) }
      },
      "argparse.Namespace": { _ in nil },
    ]
    let plain = try Checkpoint.open(Self.file)
    let checkpoint = try Checkpoint.open(Self.file, decoders: decoders)
    #expect(
      try checkpoint.tensor("settings").elements(as: Float.self) == [0, 1]
    )
    #expect(
      try checkpoint.tensor("settings").sha256()
        == plain.tensor("settings.weight").sha256()
    )
    #expect(
      try checkpoint.tensor("slotted.first").storage
        === checkpoint.tensor("slotted.second").storage
    )
    #expect(
      checkpoint.values.contains {
        $0.path == "decimal" && $0.value == .float(1.25)
      }
    )
    // A decoder that gives nothing leaves the object as it is.
    #expect(checkpoint.tensors["namespace.weight"] != nil)
    #expect(checkpoint.tensors["settings.weight"] == nil)
    try withTemporaryDirectory { folder in
      let copy = folder.file("objects.pth")
      try checkpoint.save(to: copy)
      #expect(try readFile(copy) == readFile(Self.file))
    }
  }

  @Test("A decoder's error is told with the object's path")
  func tellsErrors() throws {
    let complaining: ObjectDecoders = [
      "opaque_classes.Settings": { _ in throw Complaint() }
    ]
    let error = #expect(throws: CheckpointError.self) {
      try Checkpoint.open(Self.file, decoders: complaining)
    }
    #expect(error?.keyPath == "settings")
    #expect(error?.message.contains("no such rate") == true)
    let mistaken: ObjectDecoders = [
      "opaque_classes.Settings": { object in
        try object.state?["rate"]?.tensor().shape == [] ? nil : nil
      }
    ]
    #expect(throws: CheckpointError.self) {
      try Checkpoint.open(Self.file, decoders: mistaken)
    }
  }
}
