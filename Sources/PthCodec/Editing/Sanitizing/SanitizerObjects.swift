internal import Pickle

/// Objects: what a call would make.
extension Sanitizer {
  mutating func rewriteObject(_ id: NodeID) throws(CheckpointError) {
    guard let parts = ObjectParts(id, in: original) else {
      throw refusal(id, "an object that a function or a second state changes")
    }
    if try rewriteKnown(id, parts) || isAllowed(parts) { return }
    if reader.isModule(id) { return try rewriteModule(id, parts) }
    try rewriteUnknown(id, parts)
  }

  /// Whether PyTorch lets the call through as it is.
  private func isAllowed(_ parts: ObjectParts) -> Bool {
    guard let callable = parts.callable, isLetThrough(callable),
      parts.construction == .reduce || parts.construction == .newObj,
      parts.setItems.isEmpty, parts.listItems.isEmpty,
      parts.dictItems.isEmpty
        || ["OrderedDict", "Counter"].contains(callable.name)
    else { return false }
    // A class that is no tensor's own can't be an argument.
    return parts.arguments.allSatisfy {
      original.global($0).map(isLetThrough) ?? true
    }
  }

  /// Rewrites objects of classes with a plain form of their own.
  ///
  /// - Returns: Whether the object was one of them.
  private mutating func rewriteKnown(
    _ id: NodeID,
    _ parts: ObjectParts
  ) throws(CheckpointError) -> Bool {
    if let call = reader.call(id) {
      switch call.function {
      case .numpyScalar:
        try rewriteScalar(id, call.arguments)
        return true
      case .numpyReconstruct, .numpyFromBuffer:
        try rewriteArray(id, call.function, call.arguments)
        return true
      case .bytes where parts.arguments.isEmpty:
        try replace(
          id,
          with: editor.emptyBytes(),
          from: "empty bytes",
          to: "bytes"
        )
        return true
      case .frozenSet:
        let elements = parts.arguments.first.map { original.children($0) }
        try rewriteFrozenSet(id, elements.map { Array($0) } ?? [])
        return true
      case .set, .byteArray, .orderedDict, .counter: return false
      case .defaultDict:
        let new = editor.graph.addDict(parts.dictItems)
        try replace(id, with: new, from: "defaultdict", to: "dict")
        return true
      case .rebuildSparseCSR:
        let function = editor.global("torch._utils", "_rebuild_sparse_tensor")
        editor.replaceCall(
          id,
          callable: function,
          arguments: parts.argumentsNode
        )
        return true
      case .rebuildFromType, .rebuildFromTypeV2:
        return rewriteSubclass(id, parts)
      default: break
      }
    }
    guard let text = PlainText(parts, reader).text,
      text.utf8.count <= Self.longestText
    else { return false }
    try replace(
      id,
      with: editor.graph.addString(text),
      from: memberType(parts) ?? parts.typeName,
      to: "str"
    )
    return true
  }

  /// A longer text is no name, number or path, and may be that of thousands.
  private static let longestText = 4000

  /// What a member of an enum is, which is written as a call of `getattr`.
  private func memberType(_ parts: ObjectParts) -> String? {
    guard ["getattr", "or_"].contains(parts.callable?.name),
      let first = parts.arguments.first
    else { return nil }
    if let type = original.global(first) {
      return "member of \(type.module).\(type.name)"
    }
    return ObjectParts(first, in: original).flatMap { inner in
      inner.arguments.first.flatMap { original.global($0) }
        .map { "members of \($0.module).\($0.name)" }
    }
  }

  /// A tensor's subclass becomes a tensor with the same attributes.
  private mutating func rewriteSubclass(
    _ id: NodeID,
    _ parts: ObjectParts
  ) -> Bool {
    guard parts.arguments.count == 4,
      let function = original.global(parts.arguments[0]),
      isLetThrough(function),
      let type = original.global(parts.arguments[1])
    else { return false }
    let isKnown = isLetThrough(type)
    let isNew = parts.callable?.name == "_rebuild_from_type_v2"
    if isKnown, isNew { return true }
    var arguments = parts.arguments
    if !isKnown { arguments[1] = editor.global("torch", "Tensor") }
    editor.replaceCall(
      id,
      callable: editor.global("torch._tensor", "_rebuild_from_type_v2"),
      arguments: editor.graph.addTuple(arguments)
    )
    if !isKnown { note(id, "\(type.module).\(type.name)", "torch.Tensor") }
    return true
  }

  /// A whole module becomes its state dict.
  private mutating func rewriteModule(
    _ id: NodeID,
    _ parts: ObjectParts
  ) throws(CheckpointError) {
    let entries = ModuleParts.stateDict(of: id, reader)
    let dict = editor.orderedDict()
    var pairs: [(key: NodeID, value: NodeID)] = []
    pairs.reserveCapacity(entries.count)
    for (name, tensor) in entries {
      pairs.append((editor.text(name), tensor))
    }
    editor.graph.setDictItems(pairs, of: dict)
    try replace(
      id,
      with: dict,
      from: "module \(parts.typeName)",
      to: "state dict of \(entries.count) tensors, without other attributes"
    )
  }

  /// An object of a class that nothing is known of: what it was made of.
  private mutating func rewriteUnknown(
    _ id: NodeID,
    _ parts: ObjectParts
  ) throws(CheckpointError) {
    let hasArguments = !parts.arguments.isEmpty || !parts.keywords.isEmpty
    let hasItems = !parts.listItems.isEmpty || !parts.setItems.isEmpty
    let isPlain = parts.nestedCall == nil && parts.otherState == nil
    let from = parts.typeName
    if isHashed(id), !isOnlyArguments(parts) {
      guard let text = description(parts),
        text.utf8.count <= Self.longestText
      else {
        throw refusal(id, "\(from), a dictionary's key,")
      }
      let new = editor.graph.addString(text)
      return try replace(id, with: new, from: from, to: "str")
    }
    if isPlain, !hasArguments, !hasItems {
      let items = parts.dictItems
      if items.isEmpty {
        let new = editor.graph.addDict(parts.attributes)
        return try replace(id, with: new, from: from, to: "dict")
      }
      guard !parts.attributes.isEmpty else {
        let new = editor.graph.addDict(items)
        return try replace(id, with: new, from: from, to: "dict")
      }
      let dict = editor.orderedDict()
      editor.graph.setDictItems(items, of: dict)
      editor.graph.setState(editor.graph.addDict(parts.attributes), of: dict)
      return try replace(
        id,
        with: dict,
        from: from,
        to: "OrderedDict with attributes"
      )
    }
    let isOnlyItems =
      isPlain && parts.attributes.isEmpty && parts.dictItems.isEmpty
    if isOnlyItems, hasItems, !hasArguments || parts.isDeque {
      let isList = parts.setItems.isEmpty
      let new =
        isList
        ? editor.graph.addList(parts.listItems)
        : editor.graph.addSet(parts.setItems)
      return try replace(id, with: new, from: from, to: isList ? "list" : "set")
    }
    if isOnlyItems, parts.isDeque {
      let new = editor.graph.addList()
      return try replace(id, with: new, from: from, to: "list")
    }
    if isOnlyItems, !hasItems, parts.keywords.isEmpty {
      // Made of one value, as an enum's member is: that value. It is used as
      // it will be, once it is looked at in its place.
      if parts.arguments.count == 1, isPlainLeaf(parts.arguments[0]) {
        let value = parts.arguments[0]
        try replace(id, with: value, from: from, to: reader.typeName(value))
        let length = unsafe original.withUnsafeBytes(of: value) { $0.count }
        if let length, length > 255 { shared[id] = value }
        return
      }
      let new = editor.graph.addTuple(parts.arguments)
      return try replace(id, with: new, from: from, to: "tuple of arguments")
    }
    try replace(
      id,
      with: everything(parts),
      from: from,
      to: "dict of its parts"
    )
  }

  private func isOnlyArguments(_ parts: ObjectParts) -> Bool {
    !parts.arguments.isEmpty && parts.keywords.isEmpty
      && parts.listItems.isEmpty && parts.setItems.isEmpty
      && parts.dictItems.isEmpty && parts.attributes.isEmpty
      && parts.otherState == nil && parts.nestedCall == nil
  }

  /// An object as text, which can be a key; nil where it holds more than plain
  /// values.
  private func description(_ parts: ObjectParts) -> String? {
    guard parts.nestedCall == nil, parts.dictItems.isEmpty else { return nil }
    let values =
      parts.arguments + parts.listItems + parts.setItems
      + (parts.otherState.map { [$0] } ?? [])
    var texts: [String] = []
    for value in values {
      guard let text = description(value, depth: 0) else { return nil }
      texts.append(text)
    }
    for (key, value) in parts.keywords + parts.attributes {
      guard let name = original.string(key),
        let text = description(value, depth: 0)
      else { return nil }
      texts.append("\(name)=\(text)")
    }
    return "\(parts.typeName)(\(texts.joined(separator: ", ")))"
  }

  private func description(_ id: NodeID, depth: Int) -> String? {
    switch original.kind(id) {
    case .none: return "None"
    case .bool: return original.bool(id) == true ? "True" : "False"
    case .int: return original.int(id).map { "\($0)" }
    case .float: return original.float(id).map { "\($0)" }
    case .string: return original.string(id).map { "'\($0)'" }
    case .tuple, .list:
      guard depth < 4 else { return nil }
      var texts: [String] = []
      for child in original.children(id) {
        guard let text = description(child, depth: depth + 1) else {
          return nil
        }
        texts.append(text)
      }
      return "(\(texts.joined(separator: ", ")))"
    default: return nil
    }
  }

  /// Whether a value stays what it is wherever it is put.
  private func isPlainLeaf(_ id: NodeID) -> Bool {
    switch original.kind(id) {
    case .none, .bool, .int, .float: true
    case .string: !original.isPython2String(id)
    default: false
    }
  }

  /// A dict of all that is known of an object.
  private mutating func everything(_ parts: ObjectParts) -> NodeID {
    var pairs: [(key: NodeID, value: NodeID)] = []
    func add(
      _ key: String,
      _ value: NodeID,
      _ editor: inout GraphEditor
    ) { pairs.append((editor.graph.addString(key), value)) }
    if let callable = parts.nestedCall { add("callable", callable, &editor) }
    if !parts.arguments.isEmpty {
      add("arguments", editor.graph.addTuple(parts.arguments), &editor)
    }
    if !parts.keywords.isEmpty {
      add("keywords", editor.graph.addDict(parts.keywords), &editor)
    }
    let items = parts.listItems + parts.setItems
    if !items.isEmpty { add("items", editor.graph.addList(items), &editor) }
    if !parts.dictItems.isEmpty {
      add("entries", editor.graph.addDict(parts.dictItems), &editor)
    }
    if !parts.attributes.isEmpty {
      add("attributes", editor.graph.addDict(parts.attributes), &editor)
    }
    if let state = parts.otherState { add("state", state, &editor) }
    return editor.graph.addDict(pairs)
  }
}
