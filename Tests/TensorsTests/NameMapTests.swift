import OrderedCollections
import Tensors
import Testing

/// Renaming, choosing and proposing names.
struct NameMapTests {
  private func renamed(
    _ names: [String],
    _ map: NameMap
  ) throws -> [String] {
    let values = OrderedDictionary(
      uniqueKeysWithValues: names.map { ($0, $0) }
    )
    return Array(try map.apply(to: values).keys)
  }

  @Test(
    "Renames replace every match, with groups",
    arguments: [
      (#"^layer(\d+)=cnn.\1"#, "layer3.layer4", "cnn.3.layer4"),
      (#"a=b"#, "banana", "bbnbnb"), (#"(\w+)\.(\w+)=\2.\1"#, "a.b", "b.a"),
      (#"x=\\\0"#, "x", #"\x"#), (#"^module\.="#, "module.w", "w"),
      (#"(?=w)=_"#, "aw", "a_w"), (#"(a)|b=<\1>"#, "ab", "<a><>"),
      (#"q==k"#, "q=", "k"), (#"é=e"#, "é.é", "e.e"),
    ]
  )
  func renames(_ rename: String, _ old: String, _ new: String) throws {
    var map = NameMap()
    try map.addRename(rename)
    #expect(try renamed([old], map) == [new])
  }

  @Test(
    "Renames that can't be are refused",
    arguments: ["abc", "(=x", #"(a)=\2"#, #"a=\"#, #"a=\q"#, #"[(]=\1"#]
  )
  func refusesRenames(_ text: String) {
    var map = NameMap()
    #expect(throws: NameMapError.self) { try map.addRename(text) }
  }

  @Test("Renames are done one after the other, prefixes letter by letter")
  func doesRenamesInOrder() throws {
    var map = NameMap()
    map.strip(prefix: "module.")
    try map.addRename("^a=b")
    try map.addRename("^b=c")
    #expect(try renamed(["module.a", "moduleXa"], map) == ["c", "moduleXa"])
  }

  @Test("Two tensors of one name are an error that names both")
  func refusesCollisions() throws {
    var map = NameMap()
    try map.addRename(#"\d="#)
    #expect(throws: NameMapError.collision("a", old: ["a1", "a2"])) {
      try renamed(["a1", "a2"], map)
    }
  }

  @Test(
    "Globs match whole names",
    arguments: [
      ("*", "", true), ("a*", "abc", true), ("*c", "abc", true),
      ("a*d", "abc", false), ("fc.?.weight", "fc.0.weight", true),
      ("fc.?.weight", "fc.10.weight", false), ("[a-c]x", "bx", true),
      ("[!a-c]x", "bx", false), ("[]]", "]", true), ("[a", "[a", true),
      ("**a**", "bab", true), ("a", "ab", false),
      ("*.weight", "é.weight", true),
      ("a*b*c*d", "axxbxxcxxd", true), ("", "", true), ("", "a", false),
    ]
  )
  func globs(_ pattern: String, _ name: String, _ fits: Bool) {
    #expect(NameGlob(pattern).matches(name) == fits)
  }

  @Test("A glob with many stars stays fast")
  func globsStayFast() {
    let pattern = String(repeating: "*a", count: 100) + "b"
    #expect(!NameGlob(pattern).matches(String(repeating: "a", count: 5000)))
  }

  @Test("Includes choose, excludes leave out")
  func choosesNames() throws {
    var map = NameMap()
    map.includes = [NameGlob("fc.*"), NameGlob("cnn.0.*")]
    map.excludes = [NameGlob("*.bias")]
    let names = ["cnn.0.weight", "cnn.0.bias", "cnn.1.weight", "fc.0.weight"]
    #expect(try renamed(names, map) == ["cnn.0.weight", "fc.0.weight"])
  }

  @Test("A table renames exactly its names, and knows them all")
  func appliesTables() throws {
    let text = "# a comment\n\nold\tnew\r\na\\tb\\#\\\\\tc\n   \n"
    let map = try NameMap(parsing: text)
    #expect(map.table == ["old": "new", "a\tb#\\": "c"])
    #expect(
      try renamed(["old", "a\tb#\\", "x"], map) == ["new", "c", "x"]
    )
    #expect(throws: NameMapError.unknownName("old", nearest: "olds")) {
      try renamed(["olds", "a\tb#\\"], map)
    }
    for (old, new) in map.table {
      let line = NameMap.line(old, new)
      #expect(try NameMap(parsing: line).table == [old: new])
    }
  }

  @Test(
    "Lines that are no renames are refused with their number",
    arguments: ["a", "a\tb\tc", "a\t", "a\\q\tb", "a\tb\\"]
  )
  func refusesLines(_ line: String) {
    #expect(throws: NameMapError.badLine(number: 2, text: line)) {
      try NameMap(parsing: "x\ty\n" + line)
    }
    #expect(throws: NameMapError.self) {
      try NameMap(parsing: "x\ty\nx\tz")
    }
  }

  @Test("The wrapper's prefix is found where every name has it")
  func findsWrapper() {
    #expect(NameMap.wrapperPrefix(of: ["module.a", "module.b"]) == "module.")
    #expect(NameMap.wrapperPrefix(of: ["module.a", "b"]) == nil)
    #expect(NameMap.wrapperPrefix(of: [String]()) == nil)
  }

  @Test(
    "Wrappers' prefixes are told instead of every key",
    arguments: ["module.", "_orig_mod.module.", "model.module."]
  )
  func tellsWrappers(_ prefix: String) {
    let keys = (0..<30).map { "layer\($0).weight" }
    var problems: [StateDictMismatch.Problem] = keys.map {
      .missing(key: $0, shape: [2])
    }
    problems.append(.wrongShape(key: "x", expected: [1], actual: [2]))
    problems += keys.map { .unexpected(key: prefix + $0, shape: [2]) }
    let mismatch = StateDictMismatch(problems: problems)
    #expect(mismatch.wrapperPrefix == prefix)
    #expect(
      mismatch.description
        == "the state dict does not fit the model: every key has the prefix "
        + "\(prefix), which `pth convert --strip-prefix \(prefix)` takes off; "
        + "x has shape [2], the model's is [1]"
    )
  }

  @Test("Other names are told, with the way to a table of renames")
  func tellsOtherNames() {
    let mismatch = StateDictMismatch(problems: [
      .missing(key: "fc.weight", shape: [2]),
      .unexpected(key: "module.module.head", shape: [2]),
    ])
    #expect(mismatch.wrapperPrefix == nil)
    #expect(mismatch.description.contains("missing key fc.weight [2]"))
    #expect(mismatch.description.hasSuffix("proposes which key is which"))
  }
}

/// Proposals of names.
struct NameSuggestionTests {
  private func tensors(
    _ shapes: [(String, [Int])]
  ) throws -> OrderedDictionary<String, Tensor> {
    OrderedDictionary(
      uniqueKeysWithValues: try shapes.map { name, shape in
        let count = shape.reduce(1, *)
        return (
          name,
          try Tensor([Float](repeating: 0, count: count), shape: shape)
        )
      }
    )
  }

  private func parameters(
    _ shapes: [(String, [Int])]
  ) -> [ParameterDescription] {
    struct Model: Module {
      var shapes: [(String, [Int])]
      mutating func visitParameters(_ visitor: inout ModuleVisitor) {
        for (name, shape) in shapes {
          var parameter = Parameter<Float>(shape: shape)
          visitor.visit(&parameter, name)
        }
      }
    }
    return Model(shapes: shapes).parameterDescriptions
  }

  static let model: [(String, [Int])] = [
    ("cnn.0.weight", [16, 1, 3, 3]), ("cnn.0.bias", [16]),
    ("cnn.1.weight", [16]), ("cnn.1.bias", [16]),
    ("cnn.1.running_mean", [16]), ("cnn.1.running_var", [16]),
    ("fc.0.weight", [10, 16]), ("fc.0.bias", [10]),
  ]

  @Test("Other names of the same network are all found")
  func findsOtherNames() throws {
    let source = try tensors([
      ("conv1.kernel", [16, 1, 3, 3]), ("conv1.bias", [16]),
      ("bn1.gamma", [16]), ("bn1.beta", [16]), ("bn1.moving_mean", [16]),
      ("bn1.moving_variance", [16]), ("head.weight", [10, 16]),
      ("head.bias", [10]),
    ])
    let suggestion = NameSuggestion(
      from: source,
      to: parameters(Self.model)
    )
    #expect(suggestion.doubtful.isEmpty)
    #expect(suggestion.missing.isEmpty && suggestion.unmatched.isEmpty)
    #expect(
      suggestion.matches.map(\.old) == Array(source.keys)
    )
    #expect(suggestion.matches.map(\.new) == Self.model.map(\.0))
    let renamed = try suggestion.map.apply(to: source)
    #expect(Array(renamed.keys) == Self.model.map(\.0))
    #expect(
      try NameMap(parsing: suggestion.text).table == suggestion.map.table
    )
  }

  @Test("A wrapper's prefix is seen through")
  func seesThroughPrefixes() throws {
    let source = try tensors(Self.model.map { ("module." + $0.0, $0.1) })
    let suggestion = NameSuggestion(from: source, to: parameters(Self.model))
    #expect(suggestion.matches.count == Self.model.count)
    #expect(suggestion.matches.allSatisfy { $0.old == "module." + $0.new })
  }

  @Test("What only its place tells apart is doubtful and never in the map")
  func doubtsOrder() throws {
    let source = try tensors([
      ("query.weight", [4, 4]), ("key.weight", [4, 4]), ("x", [3]),
    ])
    let target = parameters([("k.weight", [4, 4]), ("q.weight", [4, 4])])
    let suggestion = NameSuggestion(from: source, to: target)
    #expect(suggestion.matches.isEmpty)
    #expect(suggestion.doubtful.count == 2)
    #expect(suggestion.unmatched == ["x"])
    #expect(suggestion.map.isIdentity)
    #expect(try NameMap(parsing: suggestion.text).table.isEmpty)
  }

  @Test("Counting from 1 is not taken for counting from 0")
  func doubtsShiftedNumbers() throws {
    let source = try tensors([("conv1.w", [3]), ("conv2.w", [3])])
    let target = parameters([("cnn.0.weight", [3]), ("cnn.1.weight", [3])])
    let suggestion = NameSuggestion(from: source, to: target)
    #expect(suggestion.matches.isEmpty)
    let same = parameters([("cnn.1.weight", [3]), ("cnn.2.weight", [3])])
    let sure = NameSuggestion(from: source, to: same)
    #expect(sure.matches.map(\.old) == ["conv1.w", "conv2.w"])
  }

  @Test("Another shape is never proposed")
  func keepsShapes() throws {
    let source = try tensors([("a.weight", [2, 3])])
    let target = parameters([("a.weight", [3, 2])])
    let suggestion = NameSuggestion(from: source, to: target)
    #expect(suggestion.matches.isEmpty && suggestion.doubtful.isEmpty)
    #expect(suggestion.missing == ["a.weight"])
  }

  @Test(
    "Thousands of tensors of one shape take no time",
    .timeLimit(.minutes(1))
  )
  func isLinear() throws {
    let count = 20_000
    let source = try tensors((0..<count).map { ("a.\($0 % 7).b\($0)", [16]) })
    let suggestion = NameSuggestion(from: source, to: parameters(Self.model))
    #expect(suggestion.matches.isEmpty)
    #expect(suggestion.unmatched.count >= count - Self.model.count)
  }
}
