extension Encoder {
  // MARK: Globals

  mutating func saveGlobal(_ id: UInt32, _ node: Node) throws(PickleError) {
    let payload = arena.storage.payload(of: Int(id))
    guard let number = graph.globalNumber(.init(id)) else {
      throw failure(id, "a global whose name is computed can't be written")
    }
    let written = arena.storage.globals.names[number]
    let name = NameMapping.map(
      written,
      from: graph.protocolVersion,
      to: version
    )
    let names = UInt32(truncatingIfNeeded: payload >> 32)
    if version >= 4, names != noNode, name == written {
      let pair = arena.storage.globalNames[Int(names)]
      if isText(pair.x, name.module) && isText(pair.y, name.name) {
        try save(pair.x)
        try save(pair.y)
        out.emit(.stackGlobal)
        memoPut(id)
        globalMemo[name] = memo[Int(id)]
        return
      }
    }
    guard version >= 4 || isLine(name.module) && isLine(name.name) else {
      throw failure(id, "a global with a newline in its name needs protocol 4")
    }
    emitGlobal(name)
    memoPut(id)
    globalMemo[name] = memo[Int(id)]
  }

  private mutating func isText(_ id: UInt32, _ text: String) -> Bool {
    graph.string(.init(id), equals: text) && !graph.isPython2String(.init(id))
  }

  private mutating func isLine(_ text: String) -> Bool {
    !text.isEmpty && !text.utf8.contains(0x0a)
  }

  private mutating func emitGlobal(_ name: GlobalTable.Name) {
    if version >= 4 {
      saveText(name.module)
      saveText(name.name)
      out.emit(.stackGlobal)
    } else {
      out.emit(.global, name.module, name.name)
    }
  }

  /// Writes a global that may have no node, once.
  mutating func saveGlobalOnce(_ module: String, _ name: String) {
    let name = GlobalTable.Name(module: module, name: name)
    if let known = globalMemo[name] { return out.memoGet(known) }
    emitGlobal(name)
    globalMemo[name] = out.memoPutNew()
  }

  mutating func saveBuiltin(_ name: String) {
    saveGlobalOnce(version < 3 ? "__builtin__" : "builtins", name)
  }

  mutating func saveExtension(_ id: UInt32, _ node: Node) throws(PickleError) {
    guard version >= 2 else {
      throw failure(id, "an extension code needs protocol 2")
    }
    let code = arena.storage.payload(of: Int(id))
    if let code = UInt8(exactly: code) {
      out.emit(.ext1, code)
    } else if let code = UInt16(exactly: code) {
      out.emit(.ext2, code)
    } else {
      out.emit(.ext4, Int32(truncatingIfNeeded: code))
    }
    memoizeIfShared(id, node)
    beginChanges(id, node)
  }

  /// Keeps the identity of what CPython would not memoise, where it matters.
  private mutating func memoizeIfShared(_ id: UInt32, _ node: Node) {
    if node.has(.recorded) || node.has(.shared) { memoPut(id) }
  }

  mutating func saveBuffer(_ id: UInt32, _ node: Node) throws(PickleError) {
    guard version >= 5 else {
      throw failure(id, "an out-of-band buffer needs protocol 5")
    }
    guard node.payload == nextBuffer else {
      throw failure(id, "out-of-band buffers must keep their order")
    }
    nextBuffer += 1
    out.emit(.nextBuffer)
    if node.has(.readOnly) { out.emit(.readOnlyBuffer) }
  }

  // MARK: Persistent ids

  mutating func savePersistentID(_ id: UInt32) throws(PickleError) {
    let inner = UInt32(
      truncatingIfNeeded: arena.storage.payload(of: Int(id))
    )
    guard version == 0 else {
      begin(Task(kind: .persistentID, node: id))
      return try save(inner)
    }
    guard let text = graph.string(.init(inner)),
      text.utf8.allSatisfy({ $0 < 128 && $0 != 0x0a })
    else {
      throw failure(
        id,
        "in protocol 0 a persistent id must be one line of ASCII text"
      )
    }
    out.emit(.persID)
    out.emit(text)
    out.emit(0x0a)
    finishPersistentID(id)
  }

  mutating func finishPersistentID() {
    let task = tasks[tasks.count - 1]
    end(task)
    out.emit(.binPersID)
    finishPersistentID(task.node)
  }

  private mutating func finishPersistentID(_ id: UInt32) {
    let node = arena.storage.nodes[Int(id)]
    memoizeIfShared(id, node)
    beginChanges(id, node)
  }

  // MARK: Calls

  mutating func saveObject(
    _ id: UInt32,
    _ node: Node,
    _ isReentry: Bool
  ) throws(PickleError) {
    // What was a call may have become a set, which there is no trying.
    if !attempts.isEmpty, let call = attempts.removeValue(forKey: id),
      graph.kind(.init(call)) == .object
    {
      return begin(Task(kind: .attempt, node: call, start: id))
    }
    memo[Int(id)] = Self.inProgress
    switch graph.construction(node) {
    case .reduce, .newObj, .newObjEx:
      begin(Task(kind: .object, isReentry: isReentry, node: id))
    case .inst, .obj:
      try beginOldObject(id, isReentry)
    }
  }

  mutating func stepObject(_ place: Int) throws(PickleError) {
    let task = tasks[place]
    let id = Int(task.node)
    let payload = arena.storage.payload(of: id)
    tasks[place].position += 1
    switch task.position {
    case 0: return try save(UInt32(truncatingIfNeeded: payload))
    case 1: return try save(UInt32(truncatingIfNeeded: payload >> 32))
    default: break
    }
    let construction = graph.construction(arena.storage.nodes[id])
    if construction == .newObjEx && task.position == 2 {
      let keywords = graph.record(.init(task.node))?.keywordArguments ?? noNode
      return try save(keywords)
    }
    end(task)
    switch construction {
    case .newObj: out.emit(.newObj)
    case .newObjEx: out.emit(.newObjEx)
    default: out.emit(.reduce)
    }
    guard task.kind == .attempt else { return finishCall(task.node) }
    out.emit(.pop)
    try save(task.start)
  }

  /// Memoises what a call gave, and goes on to its items and state.
  mutating func finishCall(_ id: UInt32) {
    let known = memo[Int(id)]
    if known < Self.inProgress {
      // It was written within itself: drop this one and take that.
      out.emit(.pop)
      return out.memoGet(known)
    }
    memoPut(id)
    beginChanges(id, arena.storage.nodes[Int(id)])
  }

  /// INST and OBJ: a mark, the arguments one by one, the opcode.
  private mutating func beginOldObject(
    _ id: UInt32,
    _ isReentry: Bool
  ) throws(PickleError) {
    let payload = arena.storage.payload(of: Int(id))
    let callable = UInt32(truncatingIfNeeded: payload)
    let arguments = arena.storage.nodes[Int(payload >> 32)]
    guard arguments.isKind(.tuple) else {
      throw failure(id, "an INST or OBJ takes its arguments as a tuple")
    }
    out.emit(.mark)
    begin(
      Task(
        kind: .oldObject,
        isReentry: isReentry,
        node: id,
        start: arguments.low,
        count: arguments.high
      )
    )
    if !isInst(id) { try save(callable) }
  }

  private mutating func isInst(_ id: UInt32) -> Bool {
    version == 0
      || graph.construction(arena.storage.nodes[Int(id)]) == .inst
  }

  mutating func stepOldObject(_ place: Int) throws(PickleError) {
    guard try saveChildren(place, upTo: Int(tasks[place].count)) else {
      return
    }
    let task = tasks[place]
    end(task)
    if isInst(task.node) {
      let payload = arena.storage.payload(of: Int(task.node))
      let callable = PickleGraph.NodeID(UInt32(truncatingIfNeeded: payload))
      guard let number = graph.globalNumber(callable) else {
        throw failure(task.node, "an INST needs the name of a class")
      }
      let name = NameMapping.map(
        arena.storage.globals.names[number],
        from: graph.protocolVersion,
        to: version
      )
      guard isLine(name.module) && isLine(name.name) else {
        throw failure(task.node, "an INST needs names without a newline")
      }
      out.emit(.inst, name.module, name.name)
    } else {
      out.emit(.obj)
    }
    finishCall(task.node)
  }

  // MARK: Items and state

  mutating func beginChanges(_ id: UInt32, _ node: Node) {
    guard node.has(.recorded) else { return }
    let changes = arena.storage.records[Int(node.payload)].changes
    guard changes.count > 0 else { return }
    begin(
      Task(kind: .changes, node: id, start: changes.start, count: changes.count)
    )
  }

  mutating func stepChanges(_ place: Int) throws(PickleError) {
    let task = tasks[place]
    // A state was just written.
    if task.used.w == 1 {
      out.emit(.build)
      tasks[place].used.w = 0
    }
    guard task.position < task.count else { return end(task) }
    tasks[place].position += 2
    let at = Int(task.start) + Int(task.position)
    let code = arena.storage.children[at]
    let value = arena.storage.children[at + 1]
    let node = arena.storage.nodes[Int(task.node)]
    let record = arena.storage.records[Int(node.payload)]
    switch code {
    case ChangeCode.listItems:
      tasks[place].used.x += value
      begin(items(.listItems, task, record.listItems, task.used.x, value))
    case ChangeCode.dictItems:
      tasks[place].used.y += value
      begin(items(.dictItems, task, record.dictItems, task.used.y, value))
    case ChangeCode.setItems:
      guard version >= 4 else {
        throw failure(task.node, "items added to an object need protocol 4")
      }
      tasks[place].used.z += value
      begin(items(.setItems, task, record.setItems, task.used.z, value))
    case ChangeCode.state:
      tasks[place].used.w = 1
      try save(value)
    default:
      begin(Task(kind: .setter, node: value))
    }
  }

  private mutating func items(
    _ kind: Task.Kind,
    _ task: Task,
    _ run: Run,
    _ used: UInt32,
    _ count: UInt32
  ) -> Task {
    Task(kind: kind, node: task.node, start: run.start + used, count: count)
  }

  /// Writes `setter(object, state)`, called and dropped.
  ///
  /// Neither the arguments nor what it gives get a memo entry; CPython
  /// writes TUPLE2 in all protocols.
  mutating func stepSetter(_ place: Int) throws(PickleError) {
    let task = tasks[place]
    let payload = arena.storage.payload(of: Int(task.node))
    let arguments = arena.storage.nodes[Int(payload >> 32)]
    guard arguments.isKind(.tuple), arguments.high == 2 else {
      throw failure(task.node, "a state setter takes an object and a state")
    }
    tasks[place].position += 1
    switch task.position {
    case 0:
      try save(UInt32(truncatingIfNeeded: payload))
    case 1: try save(arena.storage.children[Int(arguments.low)])
    case 2: try save(arena.storage.children[Int(arguments.low) + 1])
    default:
      end(task)
      out.emit(.tuple2)
      out.emit(.reduce)
      out.emit(.pop)
    }
  }
}
