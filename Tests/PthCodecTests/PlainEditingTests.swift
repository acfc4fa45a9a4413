import OrderedCollections
import PthCodec
import Tensors
import Testing

/// Changes of checkpoints that have no pickle, and what decoders are given.
struct PlainEditingTests {
  private static func training() throws -> Checkpoint {
    let tensor = try Tensor([1, 2] as [Float])
    return Checkpoint(
      format: .safetensors,
      tensors: [
        "model.fc.weight": tensor, "model.fc.bias": tensor, "best": tensor,
      ],
      values: [
        CheckpointValue(path: "model.name", type: "str", value: .string("a")),
        CheckpointValue(path: "epoch", type: "int", value: .int(3)),
      ],
      moduleVersions: ["model": 1, "model.fc": 2, "other": 5]
    )
  }

  @Test("A part takes its tensors, values and versions with it")
  func parts() throws {
    let part = try Self.training().part("model")
    #expect(Array(part.tensors.keys) == ["fc.weight", "fc.bias"])
    #expect(part.values.map(\.path) == ["name"])
    #expect(part.moduleVersions == ["": 1, "fc": 2])
    let best = try Self.training().part("best")
    #expect(Array(best.tensors.keys) == ["data"])
    #expect {
      _ = try Self.training().part("modle.fc.weight")
    } throws: {
      "\($0)".contains("the nearest name is model.fc.weight")
    }
  }

  @Test("Dropped parts are gone, and a part that is not there is told")
  func drops() throws {
    let rest = try Self.training().dropping("model", "epoch")
    #expect(Array(rest.tensors.keys) == ["best"])
    #expect(rest.values.isEmpty)
    #expect(throws: CheckpointError.self) {
      try Self.training().dropping("nothing")
    }
  }

  @Test("Versions go with their renamed modules")
  func renames() throws {
    var map = NameMap()
    try map.addRename(#"^model\.fc\.=net.head."#)
    let renamed = try Self.training().renamed(by: map)
    #expect(
      Array(renamed.tensors.keys) == [
        "net.head.weight", "net.head.bias", "best",
      ]
    )
    #expect(renamed.moduleVersions["net.head"] == 2)
    #expect(renamed.moduleVersions["other"] == 5)
  }

  @Test("A decoder sees arguments, state, elements and items with their types")
  func decoders() throws {
    var decoders = ObjectDecoders()
    #expect(decoders.isEmpty)
    decoders["my.Box"] = { object in
      let state = object.state
      let inner = state?["inner"]?.object
      let numbers = object.arguments.map(\.int)
      let isRight =
        object.typeName == "my.Box" && numbers == [1, nil]
        && object.arguments.last?.bool == true
        && state?["rate"]?.double == 0.5
        && state?["text"]?.plain == .string("x")
        && state?["raw"]?.bytes == [0x61]
        && state?["list"]?.elements?.count == 2
        && state?["list"]?.items == nil
        && state?["none"] == nil
        && state?.items?.count == 5
        && inner?.typeName == "my.List"
        && inner?.elements.map(\.int) == [7]
        && inner?.items.map(\.key.string) == ["k"]
      return .value(.bool(isRight))
    }
    #expect(decoders["my.Box"] != nil)
    let inner = "cmy\nList\n(t\u{81}I7\naS'k'\nI8\ns"
    let state =
      "(dS'rate'\nF0.5\nsS'text'\nVx\nsS'raw'\nC\u{1}as"
      + "S'list'\n(lI1\naI2\nasS'inner'\n" + inner + "s"
    let checkpoint = try Handmade.checkpoint(
      Handmade.dict("S'box'\n", "cmy\nBox\n(I1\nI01\nt\u{81}" + state + "b"),
      decoders: decoders
    )
    #expect(checkpoint.values.map(\.value) == [.bool(true)])
  }
}
