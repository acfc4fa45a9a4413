import PthCodec
import TestSupport
import Testing

/// State dicts in several files, as PyTorch sees them.
@Suite("Shards as PyTorch sees them")
struct ShardingTests {
  static let index = "pytorch_model.bin.index.json"

  /// What is more than tensors, in a dict's own entries.
  static let names = [
    "state_dict", "ordered_with_attributes", "values", "coo", "csr",
    "parameters", "quantized", "conjugated", "subclass", "views", "meta",
    "many",
  ]

  @Test(
    "the parts together are the object, and one file again",
    arguments: names
  )
  func keepsEntries(name: String) throws {
    let source = try Fixture.path("\(EditingTests.fixtures())/\(name).pth")
    try withTemporaryDirectory { folder in
      let target = folder.file(Self.index)
      let checkpoint = try Checkpoint.open(source)
      let options = WriteOptions(settings: ["max-shard-size": "30"])
      #expect(
        try checkpoint.losses(savingTo: target, options: options).isEmpty
      )
      try checkpoint.save(to: target, options: options)
      let whole = folder.file("whole.pth")
      let merged = try Checkpoint.open(target)
      #expect(try merged.losses(savingTo: whole).isEmpty)
      try merged.save(to: whole)
      let wrong: [String] = try Python.value(
        """
        from compare import differences as tell
        weights = json.load(open(f'{folder}/{index}'))['weight_map']
        o, parts, result = load(source), {}, []
        for file in sorted(set(weights.values())):
            part = load(f'{folder}/{file}')
            if set(part) - set(k for k, f in weights.items() if f == file):
                result += [f'{file} has more than the index says']
            result += tell(getattr(o, '__dict__', 0), getattr(part, '__dict__', 0))
            parts.update(part)
        def ordered(found):
            made = type(o)((k, found[k]) for k in o)
            if hasattr(o, '__dict__'): made.__dict__.update(o.__dict__)
            return made
        # The index is sorted: so the whole has another order.
        for found in (parts, load(whole)):
            result += tell(o, ordered(found))
            if set(found) != set(o): result += ['other keys']
        result += tell(
            getattr(o, '__dict__', 0), getattr(load(whole), '__dict__', 0))
        """,
        [
          "source": .text(source), "folder": .text(folder.path),
          "index": .text(Self.index), "whole": .text(whole),
        ]
      )
      #expect(wrong == [])
    }
  }
}
