import Pickle
import Testing

@Suite struct BuildingTests {
  @Test func everyKindOfValueCanBeBuilt() throws {
    var graph = PickleGraph(protocolVersion: 4)
    var items: [PickleGraph.NodeID] = []
    items.append(graph.addNone())
    items.append(graph.addBool(true))
    items.append(graph.addInt(-5))
    items.append(graph.addBigInt([1, 0, 0]))
    items.append(graph.addBigInt([0, 0, 0, 0, 0, 0, 0, 0, 1, 0]))
    items.append(graph.addFloat(0.5))
    items.append(graph.addString("é"))
    let surrogate = graph.addString(utf8: [0xed, 0xa0, 0x80])
    items.append(try #require(surrogate))
    items.append(graph.addPython2String([0x41]))
    items.append(graph.addPython2String([0xff]))
    items.append(graph.addBytes([1, 2]))
    items.append(graph.addByteArray([3]))
    items.append(graph.addTuple([items[0], items[1]]))
    items.append(graph.addList([items[2]]))
    items.append(graph.addSet([items[3]]))
    items.append(graph.addFrozenSet([items[5]]))
    items.append(graph.addDict([(items[6], items[2])]))
    let global = graph.addGlobal(module: "a", name: "B")
    items.append(global)
    let empty = graph.addTuple([])
    items.append(graph.addReduce(callable: global, arguments: empty))
    items.append(graph.addNewObj(callable: global, arguments: empty))
    items.append(
      graph.addNewObj(
        callable: global,
        arguments: empty,
        keywordArguments: items[16]
      )
    )
    items.append(graph.addPersistentID(items[6]))
    items.append(graph.addExtension(code: 300))
    graph.root = graph.addList(items)
    let invalid = graph.addString(utf8: [0xff])
    #expect(invalid == nil)

    let again = try Unpickler.decode(
      PickleSource(Pickler.encode(graph, protocol: 5))
    )
    #expect(
      describe(again) == """
        [None, True, -5, 1, big[0, 0, 0, 0, 0, 0, 0, 0, 1], 0.5, 'é', \
        [237, 160, 128], py2'A', bytes[255], bytes[1, 2], bytearray[3], \
        (None, True), [-5], set(1), frozenset(0.5), {'é': -5}, a.B, \
        reduce a.B(), newObj a.B(), newObjEx a.B() ** {'é': -5}, pid<'é'>, \
        ext300]
        """
    )
    #expect(describe(again) == describe(graph))
    #expect(graph.offset(graph.root) == -1)
  }

  @Test func containersGrowOneByOne() throws {
    var graph = PickleGraph()
    let list = graph.addList()
    let dict = graph.addDict()
    let callable = graph.addGlobal(module: "collections", name: "OrderedDict")
    let object = graph.addReduce(
      callable: callable,
      arguments: graph.addTuple([])
    )
    for i in 0..<3000 {
      let number = graph.addInt(i)
      graph.append(number, to: list)
      graph.append(key: number, value: number, to: dict)
      graph.append(key: number, value: number, to: object)
      graph.append(number, to: object)
    }
    #expect(graph.children(list).map { graph.int($0) } == Array(0..<3000))
    #expect(graph.pairs(dict).map { graph.int($0.key) } == Array(0..<3000))
    #expect(graph.pairs(object).map { graph.int($0.value) } == Array(0..<3000))
    #expect(graph.object(object)?.listItems.count == 3000)
    #expect(graph.changes(object).count == 6000)
    // Nothing is appended to a number.
    graph.append(list, to: graph.addInt(1))
    graph.append(key: list, value: list, to: list)
    #expect(graph.children(list).count == 3000)
  }

  @Test func aStateDictIsBuiltAsTorchWritesIt() throws {
    let original = try decoded(
      "\u{80}\u{02}ccollections\nOrderedDict\nq\u{00})Rq\u{01}"
        + "(X\u{01}\u{00}\u{00}\u{00}aq\u{02}K\u{01}"
        + "X\u{01}\u{00}\u{00}\u{00}bq\u{03}K\u{02}u"
        + "}q\u{04}X\u{01}\u{00}\u{00}\u{00}mq\u{05}Nsb."
    )
    var graph = PickleGraph()
    let callable = graph.addGlobal(module: "collections", name: "OrderedDict")
    graph.root = graph.addReduce(
      callable: callable,
      arguments: graph.addTuple([])
    )
    graph.setDictItems(
      [
        (graph.addString("a"), graph.addInt(1)),
        (graph.addString("b"), graph.addInt(2)),
      ],
      of: graph.root
    )
    let key = graph.addString("m")
    let none = graph.addNone()
    graph.setState(graph.addDict([(key, none)]), of: graph.root)
    #expect(try Pickler.encode(graph) == Pickler.encode(original))
  }

  @Test func itemsAndStateAreReplaced() throws {
    var graph = try decoded("ca\nb\n)R(K\u{01}K\u{02}e(K\u{03}K\u{04}uNb.")
    let five = graph.addInt(5)
    graph.setListItems([five], of: graph.root)
    graph.setPairs([(five, five)], of: graph.root)
    #expect(describe(graph) == "reduce a.b() +[5] +{5: 5} state None")
    graph.setState(five, of: graph.root)
    #expect(describe(graph) == "reduce a.b() +[5] +{5: 5} state 5")
    graph.setState(nil, of: graph.root)
    #expect(describe(graph) == "reduce a.b() +[5] +{5: 5}")
    #expect(graph.object(graph.root)?.state == nil)

    var dict = try decoded("(K\u{01}K\u{02}d.")
    dict.setPairs([], of: dict.root)
    #expect(describe(dict) == "{}")
    dict.setPairs([(dict.root, dict.root)], of: dict.root)
    #expect(describe(dict) == "{...: ...}")
    var tuple = try decoded("(K\u{01}K\u{02}K\u{03}t.")
    tuple.setChildren(
      Array(tuple.children(tuple.root).reversed()),
      of: tuple.root
    )
    #expect(describe(tuple) == "(3, 2, 1)")
  }

  @Test func aReplacedNodeIsTheOtherWhereverItIsUsed() throws {
    var graph = try decoded("(]q\u{00}K\u{01}ah\u{00}}t.")
    let parts = Array(graph.children(graph.root))
    graph.replace(parts[0], with: parts[2])
    #expect(describe(graph) == "({}, {}, {})")
    graph.append(key: parts[2], value: parts[2], to: parts[0])
    #expect(graph.pairs(parts[0]).count == 1 && graph.pairs(parts[2]).isEmpty)

    var objects = try decoded("(ca\nb\n)RK\u{01}aNt.")
    let (object, none) = (
      objects.children(objects.root)[0], objects.children(objects.root)[1]
    )
    objects.replace(none, with: object)
    objects.append(none, to: none)
    #expect(describe(objects) == "(reduce a.b() +[1], reduce a.b() +[1, ...])")
  }

  @Test func aCopyOfAGraphChangesOnItsOwn() throws {
    let original = try decoded("]K\u{01}a.")
    var copy = original
    copy.append(copy.addString("new"), to: copy.root)
    #expect(describe(original) == "[1]")
    #expect(describe(copy) == "[1, 'new']")
    let children = copy.children(copy.root)
    copy.append(copy.addNone(), to: copy.root)
    #expect(children.count == 2)
  }

  @Test(arguments: [
    ("\u{82}\u{07}.", 1, "needs protocol 2"),
    ("\u{97}.", 4, "needs protocol 5"),
    ("\u{8c}\u{01}a\u{8c}\u{02}b\nq\u{00}\u{93}.", 2, "newline"),
    ("K\u{01}Q.", 0, "one line of ASCII"),
    ("ca\nb\n)R(N\u{90}.", 3, "need protocol 4"),
    ("ca\nb\n)R\u{8c}\u{01}b\u{93}.", 4, "computed"),
    ("\u{80}\u{04}\u{8c}\u{01}aca\nb\n)R}\u{92}.", 3, "needs protocol 4"),
  ])
  func whatAProtocolCannotHoldIsRefused(
    _ text: String,
    _ version: Int,
    _ message: String
  ) throws {
    guard let graph = try? decoded(text) else { return }
    #expect {
      try Pickler.encode(graph, protocol: version)
    } throws: { "\($0)".contains(message) }
  }

  @Test func anUnknownProtocolIsRefused() {
    for version in [-1, 6] {
      #expect(throws: PickleError(.unsupportedProtocol(version), offset: -1)) {
        try Pickler.encode(PickleGraph(), protocol: version)
      }
    }
  }

  @Test func aTupleWithinItselfIsRefusedWhenBuilt() {
    var graph = PickleGraph()
    let tuple = graph.addTuple([graph.root])
    graph.setChildren([tuple], of: tuple)
    #expect(throws: PickleError.self) {
      try Pickler.encode(graph, root: tuple)
    }
  }

  @Test("A graph that grows past its limit is refused when it is written")
  func overfull() throws {
    var graph = PickleGraph(maxNodes: 4)
    let one = graph.addInt(1)
    graph.root = graph.addList([one, one])
    let bytes = try Pickler.encode(graph)
    let copy = try Unpickler.decode(PickleSource(bytes))
    #expect(copy.children(copy.root).count == 2)
    let list = graph.addList([graph.addInt(2), graph.addString("x")])
    graph.root = graph.addDict([(one, list)])
    let error = #expect(throws: PickleError.self) {
      try Pickler.encode(graph)
    }
    #expect(error?.kind == .limitExceeded(name: "maxNodes", limit: 4))
  }
}
