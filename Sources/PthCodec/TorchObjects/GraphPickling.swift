internal import Pickle
internal import Tensors

/// A graph that tensors are put into, as `torch.save` would.
protocol GraphPickling: TensorPickling {
  var graph: PickleGraph { get set }

  /// The values that were put and are yet to be taken into others.
  var stack: [PickleGraph.NodeID] { get set }

  /// The node of a class or function.
  mutating func global(
    _ module: String,
    _ name: String
  ) -> PickleGraph.NodeID

  /// Text that PyTorch's own code has as a constant: one object.
  mutating func constant(_ value: String) -> PickleGraph.NodeID

  /// Text that Python makes anew, but for what it keeps one object of.
  mutating func text(_ value: String) -> PickleGraph.NodeID

  /// The node of the text that names a storage, known or new.
  mutating func key(
    of storage: Storage,
    as type: StorageType,
    location: String
  ) -> PickleGraph.NodeID
}

extension GraphPickling {
  /// The call that rebuilds a tensor.
  mutating func tensor(_ tensor: Tensor) -> PickleGraph.NodeID {
    putTensor(tensor)
    return taken()
  }

  /// `('storage', type, key, location, count)` as a persistent id.
  mutating func storage(
    _ storage: Storage,
    as type: StorageType,
    location: String
  ) -> PickleGraph.NodeID {
    putStorage(storage, as: type, location: location)
    return taken()
  }

  /// The node that was put last, which nothing else takes.
  mutating func taken() -> PickleGraph.NodeID { stack.removeLast() }

  /// An empty OrderedDict.
  mutating func orderedDict() -> PickleGraph.NodeID {
    graph.addReduce(
      callable: global("collections", "OrderedDict"),
      arguments: graph.addTuple([])
    )
  }

  /// A tuple of integers.
  mutating func tuple(_ numbers: [Int]) -> PickleGraph.NodeID {
    graph.addTuple(numbers.map { graph.addInt($0) })
  }

  // MARK: As tensors are put

  mutating func putInt(_ value: Int) { stack.append(graph.addInt(value)) }

  mutating func putBool(_ value: Bool) { stack.append(graph.addBool(value)) }

  mutating func putFloat(_ value: Double) {
    stack.append(graph.addFloat(value))
  }

  mutating func putConstant(_ text: TorchConstant) {
    stack.append(constant(text.rawValue))
  }

  mutating func putDevice(_ name: String) { stack.append(constant(name)) }

  mutating func putText(_ value: String) { stack.append(text(value)) }

  mutating func putGlobal(_ global: TorchGlobal) {
    let (module, name) = global.names
    stack.append(self.global(module, name))
  }

  mutating func putKey(
    of storage: Storage,
    as type: StorageType,
    location: String
  ) {
    stack.append(key(of: storage, as: type, location: location))
  }

  mutating func beginTuple(_ count: Int) {}

  mutating func endTuple(_ count: Int) {
    let tuple = graph.addTuple(Array(stack.suffix(count)))
    stack.removeLast(count)
    stack.append(tuple)
  }

  mutating func putPersistentID() {
    stack.append(graph.addPersistentID(stack.removeLast()))
  }

  mutating func putCall() {
    let arguments = stack.removeLast()
    let callable = stack.removeLast()
    stack.append(graph.addReduce(callable: callable, arguments: arguments))
  }

  mutating func putDict() { stack.append(graph.addDict()) }

  mutating func putItems(_ count: Int, _ pair: (inout Self, Int) -> Void) {
    let start = stack.count
    for index in 0..<count { pair(&self, index) }
    let items = stack.dropFirst(start)
    var pairs: [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)] = []
    pairs.reserveCapacity(count)
    for place in stride(from: items.startIndex, to: items.endIndex, by: 2) {
      pairs.append((items[place], items[place + 1]))
    }
    stack.removeLast(stack.count - start)
    guard let dict = stack.last else { return }
    if graph.kind(dict) == .dict {
      graph.setPairs(pairs, of: dict)
    } else {
      graph.setDictItems(pairs, of: dict)
    }
  }

  mutating func putState() {
    let state = stack.removeLast()
    guard let object = stack.last else { return }
    graph.setState(state, of: object)
  }
}
