extension PickleGraph {
  /// An empty graph, whose root is `None` until you set ``root``.
  ///
  /// - Parameters:
  ///   - protocolVersion: Whose names ``addGlobal(module:name:)``
  ///     takes: Python 2's (`__builtin__`) below 3, Python 3's (`builtins`)
  ///     from there on. ``Pickler`` maps them where it writes the other kind.
  ///   - maxNodes: The most nodes that the graph takes; what is added past
  ///     them is the root's `None`, and ``Pickler`` refuses the graph.
  public init(protocolVersion: Int = 2, maxNodes: Int = .max) {
    var storage = ArenaStorage()
    storage.maxNodes = min(max(maxNodes, 1), storage.maxNodes)
    root = NodeID(storage.add(Node(.none, offset: -1, 0)))
    arena = Arena(storage, source: nil)
    self.protocolVersion = protocolVersion
    endOffset = 0
    discarded = []
    attempts = [:]
  }

  /// Makes sure that a change is seen in this graph only.
  @inline(__always)
  mutating func makeUnique() {
    if !isKnownUniquelyReferenced(&arena) {
      arena = Arena(arena.storage.copy(), source: arena.source)
    }
  }

  @inline(__always)
  mutating func add(_ kind: Kind, flags: Node.Flags = [], _ payload: UInt64 = 0)
    -> NodeID
  {
    makeUnique()
    guard arena.storage.nodes.count < arena.storage.maxNodes else {
      // Adding never throws: who writes the graph is told.
      arena.storage.isOverfull = true
      return NodeID(0)
    }
    return NodeID(
      arena.storage.add(Node(kind, flags: flags, offset: -1, payload))
    )
  }

  // MARK: Plain values

  /// Adds `None`.
  public mutating func addNone() -> NodeID { add(.none) }

  /// Adds a boolean.
  public mutating func addBool(_ value: Bool) -> NodeID {
    add(.bool, value ? 1 : 0)
  }

  /// Adds an integer.
  public mutating func addInt(_ value: Int) -> NodeID {
    add(.int, UInt64(bitPattern: Int64(value)))
  }

  /// Adds an integer of any size.
  ///
  /// - Parameter bytes: Two's complement, little-endian.
  /// - Returns: The integer.
  public mutating func addBigInt(_ bytes: [UInt8]) -> NodeID {
    let size = unsafe bytes.withUnsafeBytes {
      unsafe TwosComplement.significantBytes($0)
    }
    let shortest = Array(bytes.prefix(size))
    if size <= 8 {
      let value = unsafe shortest.withUnsafeBytes {
        unsafe TwosComplement.small($0)
      }
      return add(.int, UInt64(bitPattern: value))
    }
    return addKept(.bigInt, shortest)
  }

  /// Adds a float.
  public mutating func addFloat(_ value: Double) -> NodeID {
    add(.float, value.bitPattern)
  }

  /// Adds a string.
  public mutating func addString(_ text: String) -> NodeID {
    var text = text
    makeUnique()
    let kept = text.withUTF8 {
      unsafe arena.storage.keep(UnsafeRawBufferPointer($0))
    }
    return add(.string, flags: .pooled, kept)
  }

  /// Adds a string that may have lone surrogates.
  ///
  /// - Parameter utf8: UTF-8, lone surrogates in three bytes each.
  /// - Returns: The string, nil when the bytes aren't that.
  public mutating func addString(utf8: [UInt8]) -> NodeID? {
    var flags: Node.Flags = []
    switch unsafe utf8.withUnsafeBytes({ unsafe UTF8Check.check($0) }) {
    case .text: break
    case .surrogates: flags = .surrogates
    case .invalid: return nil
    }
    return addKept(.string, flags: flags, utf8)
  }

  /// Adds a Python 2 `str`: a string when it is UTF-8, else bytes.
  public mutating func addPython2String(_ bytes: [UInt8]) -> NodeID {
    let isText = unsafe bytes.withUnsafeBytes {
      unsafe UTF8Check.check($0) == .text
    }
    return addKept(isText ? .string : .bytes, flags: .python2, bytes)
  }

  /// Adds bytes.
  public mutating func addBytes(_ bytes: [UInt8]) -> NodeID {
    addKept(.bytes, bytes)
  }

  /// Adds a `bytearray`.
  public mutating func addByteArray(_ bytes: [UInt8]) -> NodeID {
    addKept(.byteArray, bytes)
  }

  private mutating func addKept(
    _ kind: Kind,
    flags: Node.Flags = [],
    _ bytes: [UInt8]
  ) -> NodeID {
    makeUnique()
    let kept = unsafe bytes.withUnsafeBytes {
      unsafe arena.storage.keep($0)
    }
    return add(kind, flags: flags.union(.pooled), kept)
  }

  // MARK: Containers

  /// Adds a tuple.
  public mutating func addTuple(_ elements: [NodeID]) -> NodeID {
    add(.tuple, with: elements)
  }

  /// Adds a list.
  public mutating func addList(_ elements: [NodeID] = []) -> NodeID {
    add(.list, with: elements)
  }

  /// Adds a set; that its elements differ is yours to see to.
  public mutating func addSet(_ elements: [NodeID] = []) -> NodeID {
    add(.set, with: elements)
  }

  /// Adds a frozen set; that its elements differ is yours to see to.
  public mutating func addFrozenSet(_ elements: [NodeID]) -> NodeID {
    add(.frozenSet, with: elements)
  }

  /// Adds a dictionary.
  public mutating func addDict(
    _ pairs: [(key: NodeID, value: NodeID)] = []
  ) -> NodeID {
    add(.dict, with: pairs.flatMap { [$0.key, $0.value] })
  }

  private mutating func add(_ kind: Kind, with elements: [NodeID]) -> NodeID {
    let id = add(kind)
    if !arena.storage.isOverfull { setContainer(id, elements) }
    return id
  }

  private mutating func setContainer(_ id: NodeID, _ elements: [NodeID]) {
    makeUnique()
    var node = node(id)
    node.payload = 0
    node.flags.remove(.roomy)
    arena.storage.nodes[id.index] = node
    unsafe withRaw(elements) { storage, items in
      unsafe storage.append(items, count: elements.count, toContainer: id.index)
    }
  }

  /// Calls `body` with the node numbers in a row, if there are any.
  func withRaw(
    _ ids: [NodeID],
    _ body: (inout ArenaStorage, UnsafePointer<UInt32>) -> Void
  ) {
    unsafe ids.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress, bytes.count > 0 else { return }
      unsafe body(
        &arena.storage,
        start.assumingMemoryBound(to: UInt32.self)
      )
    }
  }

  // MARK: Globals, objects, persistent ids

  /// Adds a class or function by its names.
  public mutating func addGlobal(module: String, name: String) -> NodeID {
    makeUnique()
    let number = arena.storage.globals.number(module: module, name: name)
    return add(.global, UInt64(number) | UInt64(noNode) << 32)
  }

  /// Adds what `callable(*arguments)` gives.
  ///
  /// - Parameters:
  ///   - callable: A global, or an object that is called.
  ///   - arguments: A tuple.
  /// - Returns: The object.
  public mutating func addReduce(
    callable: NodeID,
    arguments: NodeID
  ) -> NodeID {
    addObject(.reduce, callable, arguments)
  }

  /// Adds what `cls.__new__(cls, *arguments)` gives.
  ///
  /// - Parameters:
  ///   - callable: The class.
  ///   - arguments: A tuple.
  ///   - keywordArguments: A dictionary, or nil; needs protocol 4 to be
  ///     written as it is.
  /// - Returns: The object.
  public mutating func addNewObj(
    callable: NodeID,
    arguments: NodeID,
    keywordArguments: NodeID? = nil
  ) -> NodeID {
    guard let keywordArguments else {
      return addObject(.newObj, callable, arguments)
    }
    let id = addObject(.newObjEx, callable, arguments)
    setKeywordArguments(keywordArguments, of: id)
    return id
  }

  /// Sets the keyword arguments of an object that takes some.
  mutating func setKeywordArguments(_ keywords: NodeID, of id: NodeID) {
    makeUnique()
    let record = arena.storage.record(of: id.index)
    arena.storage.records[record].keywordArguments = keywords.raw
  }

  private mutating func addObject(
    _ construction: Object.Construction,
    _ callable: NodeID,
    _ arguments: NodeID
  ) -> NodeID {
    add(
      .object,
      flags: construction.flags,
      UInt64(callable.raw) | UInt64(arguments.raw) << 32
    )
  }

  /// Adds a persistent id: `id` is mostly a tuple.
  public mutating func addPersistentID(_ id: NodeID) -> NodeID {
    add(.persistentID, UInt64(id.raw))
  }

  /// Adds a code of Python's extension registry, from 1.
  public mutating func addExtension(code: Int32) -> NodeID {
    add(.extension, UInt64(truncatingIfNeeded: max(code, 1)))
  }
}
