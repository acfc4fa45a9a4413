import PthCodec
import Tensors
import TestSupport
import Testing

/// Edits of an object's pickle, beside the same edits in Python.
@Suite("Editing as Python would")
struct EditingTests {
  /// An edit here, and the same on the loaded object `o`, which may be replaced.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let file: String
    let python: String
    let edit: @Sendable (Checkpoint) throws -> Checkpoint
  }

  static let cases: [Case] = [
    Case("takes a part", "training", "o = o['model']") {
      try $0.part("model")
    },
    Case(
      "takes a part of a part",
      "training",
      "o = o['optimizer']['state'][0]"
    ) { try $0.part("optimizer.state.0") },
    Case(
      "takes a tensor with dots in its key",
      "training",
      "o = o['model']['cnn.0.weight']"
    ) { try $0.part("model.cnn.0.weight") },
    Case("drops an entry", "training", "del o['optimizer']") {
      try $0.dropping("optimizer")
    },
    Case(
      "drops entries of entries",
      "training",
      "del o['optimizer']['param_groups'], o['args']"
    ) { try $0.dropping("optimizer.param_groups", "args") },
    Case(
      "takes a wrapper's prefix off, in _metadata too",
      "wrapped",
      """
      o = o['state_dict']
      o = {k[len('module.'):]: v for k, v in o.items()}
      """
    ) { try $0.part("state_dict").strippingPrefix("module.") },
    Case(
      "renames keys and modules",
      "state_dict",
      """
      import collections
      n = collections.OrderedDict(
          ('conv' + k[3:] if k[:4] == 'cnn.' else k, v) for k, v in o.items())
      n._metadata = collections.OrderedDict(
          ('conv' + k[3:] if k[:3] == 'cnn' else k, v)
          for k, v in o._metadata.items())
      o = n
      """
    ) {
      var map = NameMap()
      try map.addRename(#"^cnn\.=conv."#)
      return try $0.renamed(by: map)
    },
    Case(
      "chooses by name",
      "state_dict",
      "[o.pop(k) for k in list(o) if not k.startswith('fc.')]"
    ) { try $0.filtered(including: ["fc.*"]) },
    Case(
      "leaves out by name",
      "state_dict",
      "[o.pop(k) for k in list(o) if k.endswith('bias')]"
    ) { try $0.filtered(excluding: ["*bias"]) },
    Case(
      "converts a network's floats to half precision",
      "state_dict",
      "o.update((k, v.half()) for k, v in o.items() if v.is_floating_point())"
    ) { try $0.converted(to: .float16) },
    Case(
      "converts 130 tensors to bfloat16",
      "many_tensors",
      "o = {k: v.bfloat16() for k, v in o.items()}"
    ) { try $0.converted(to: .bfloat16) },
    Case("converts a bare tensor", "bare", "o = o.double()") {
      try $0.converted(to: .float64)
    },
    Case(
      "cuts a slice's storage",
      "views",
      "o = o['offset'].clone()"
    ) { try $0.part("offset").compacted() },
    Case("leaves a whole storage whole", "views", "o = o['transposed']") {
      try $0.part("transposed").compacted()
    },
  ]

  @Test("gives the very bytes that torch saves", arguments: cases)
  func sameBytes(edited: Case) throws {
    let folder = try Self.fixtures()
    let file = Fixture.path("\(folder)/\(edited.file).pth")
    try withTemporaryDirectory { directory in
      let ours = directory.file("x.pth")
      let theirs = try TemporaryDirectory()
      try edited.edit(Checkpoint.open(file)).save(to: ours)
      try Python.run(
        "o = load(file)\n" + edited.python + "\ntorch.save(o, theirs)",
        ["file": .text(file), "theirs": .text(theirs.file("x.pth"))]
      )
      #expect(try readFile(ours) == readFile(theirs.file("x.pth")))
    }
  }

  @Test("a conversion keeps views, strides, offsets and subclasses")
  func keepsViews() throws {
    for name in ["views", "shared", "parameters", "subclass", "quantized"] {
      let file = try Fixture.path("\(Self.fixtures())/\(name).pth")
      try withTemporaryDirectory { directory in
        let half = directory.file("half.pth")
        try Checkpoint.open(file).converted(to: .bfloat16).save(to: half)
        let differences: [String] = try Python.value(
          """
          from compare import Comparison
          class Other(Comparison):
              def _tensors(self, a, b, path):
                  if a.dtype.is_floating_point and not a.is_quantized:
                      assert b.dtype == torch.bfloat16, path
                      if not torch.equal(a.bfloat16(), b):
                          self.differ(path, 'values')
                      if not isinstance(b, type(a)):
                          self.differ(path, 'type')
                      for what in ('stride', 'storage_offset'):
                          if getattr(a, what)() != getattr(b, what)():
                              self.differ(path, what)
                      self._share(
                          a.storage().data_ptr(), b.storage().data_ptr(), path)
                  else:
                      super()._tensors(a, b, path)
          c = Other()
          c.walk(load(file), load(half))
          result = c.found
          """,
          ["file": .text(file), "half": .text(half)]
        )
        #expect(differences == [], "\(name)")
      }
    }
  }

  @Test("compaction never parts tensors that share memory")
  func keepsSharing() throws {
    try withTemporaryDirectory { directory in
      let (big, small) = (
        directory.file("big.pth"), directory.file("small.pth")
      )
      try Python.run(
        """
        base = torch.arange(10000.)
        torch.save({'a': base[100:200], 'b': base[150:300].view(15, 10).t(),
                    'bytes': torch.arange(64, dtype=torch.uint8)[17:19],
                    'none': base[500:500],
                    'whole': torch.arange(5)}, big)
        """,
        ["big": .text(big)]
      )
      try Checkpoint.open(big).compacted().save(to: small)
      let found: [Int] = try Python.value(
        """
        o, n = load(big), load(small)
        a, b = n['a'], n['b']
        result = [
            all(torch.equal(o[k], n[k]) for k in o), list(o) == list(n),
            b.storage_offset() - a.storage_offset() == 50,
            a.storage().data_ptr() == b.storage().data_ptr(),
            b.stride() == o['b'].stride(), len(a.storage()) == 200,
            len(n['bytes'].storage()) == 2, len(n['whole'].storage()) == 5,
        ]
        result = [int(x) for x in result]
        """,
        ["big": .text(big), "small": .text(small)]
      )
      #expect(found == Array(repeating: 1, count: 8))
    }
  }

  /// The fixtures of the torch that judges.
  static func fixtures() throws -> String {
    let isNew: Bool = try Python.value(
      "result = not torch.__version__.startswith('1.')"
    )
    return isNew ? "torch-2.13" : "torch-1.13"
  }

  /// The layout that the torch that judges writes.
  static func layout() throws -> TorchLayout {
    try fixtures() == "torch-2.13" ? .torch2 : .torch1
  }
}

extension EditingTests.Case {
  init(
    _ what: String,
    _ file: String,
    _ python: String,
    _ edit: @escaping @Sendable (Checkpoint) throws -> Checkpoint
  ) {
    testDescription = what
    self.file = file
    self.python = python
    self.edit = edit
  }
}
