internal import Pickle
internal import Tensors

/// The calls in a graph that make tensors of storages.
struct TensorCalls {
  typealias NodeID = PickleGraph.NodeID

  /// A call `rebuild(storage, offset, size, stride, …)`.
  struct Call {
    /// The object: the call itself, or the subclass made around it.
    let object: NodeID
    /// The tuple that holds the arguments.
    let tuple: NodeID
    /// The function, one of those with a storage as their first argument.
    let function: TorchFunction
    /// The arguments.
    let arguments: [NodeID]
    /// The persistent id of the storage.
    var storage: NodeID { arguments[0] }
    /// Whether the function is an argument of a subclass's call.
    let isWrapped: Bool
  }

  /// The calls in the pickle's order.
  private(set) var calls: [Call] = []

  /// The tensors that tell how another tensor is quantized.
  private(set) var quantizers: Set<NodeID> = []

  /// How often each persistent id is referred to, in calls or elsewhere.
  private(set) var mentions: [NodeID: Int] = [:]

  /// Finds the calls.
  init(_ graph: PickleGraph) {
    let reader = GraphReader(graph)
    graph.forEachNodeInOrder { id in
      for reference in graph.references(of: id)
      where graph.kind(reference) == .persistentID {
        mentions[reference, default: 0] += 1
      }
      guard graph.kind(id) == .object, let call = reader.call(id),
        let found = Self.call(id, call.function, call.arguments, reader)
      else { return }
      calls.append(found)
      if found.function == .rebuildQTensor, found.arguments.count > 4 {
        quantizers.formUnion(graph.children(found.arguments[4]))
      }
    }
    if graph.kind(graph.root) == .persistentID {
      mentions[graph.root, default: 0] += 1
    }
  }

  private static func call(
    _ id: NodeID,
    _ function: TorchFunction,
    _ arguments: PickleGraph.Children,
    _ reader: GraphReader
  ) -> Call? {
    let graph = reader.graph
    switch function {
    case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3, .rebuildQTensor:
      guard let tuple = graph.object(id)?.arguments else { return nil }
      return checked(
        Call(
          object: id,
          tuple: tuple,
          function: function,
          arguments: Array(arguments),
          isWrapped: false
        ),
        reader
      )
    case .rebuildFromType, .rebuildFromTypeV2:
      let parts = Array(arguments)
      guard parts.count > 2, let inner = reader.function(parts[0]),
        [.rebuildTensor, .rebuildTensorV2, .rebuildTensorV3, .rebuildQTensor]
          .contains(inner)
      else { return nil }
      return checked(
        Call(
          object: id,
          tuple: parts[2],
          function: inner,
          arguments: Array(graph.children(parts[2])),
          isWrapped: true
        ),
        reader
      )
    default: return nil
    }
  }

  /// The call, if it has the arguments that its function needs.
  private static func checked(_ call: Call, _ reader: GraphReader) -> Call? {
    let needed =
      switch call.function {
      case .rebuildTensor: 4
      case .rebuildTensorV3: 7
      default: 6
      }
    guard call.arguments.count >= needed,
      reader.isStorage(call.arguments[0])
    else { return nil }
    return call
  }
}

extension GraphEditor {
  /// Gives a tensor's call other arguments, and perhaps another function.
  ///
  /// - Parameters:
  ///   - call: The call, as it is in the graph.
  ///   - function: The new function's name in `torch._utils`.
  ///   - arguments: All arguments.
  mutating func rewrite(
    _ call: TensorCalls.Call,
    function: String? = nil,
    arguments: [NodeID]
  ) {
    // Another call may have the same tuple.
    let tuple = graph.addTuple(arguments)
    guard let object = graph.object(call.object) else { return }
    if call.isWrapped {
      var outer = Array(graph.children(object.arguments))
      if let function { outer[0] = global("torch._utils", function) }
      outer[2] = tuple
      replaceCall(
        call.object,
        callable: object.callable,
        arguments: graph.addTuple(outer)
      )
    } else {
      replaceCall(
        call.object,
        callable: function.map { global("torch._utils", $0) }
          ?? object.callable,
        arguments: tuple
      )
    }
  }

  /// Makes an object by another call; items and state stay.
  mutating func replaceCall(
    _ id: NodeID,
    callable: NodeID,
    arguments: NodeID
  ) {
    let changes = graph.changes(id)
    let new = graph.addReduce(callable: callable, arguments: arguments)
    for change in changes {
      switch change {
      case .state(let state): graph.setState(state, of: new)
      case .dictItems(let items):
        for (key, value) in items {
          graph.append(key: key, value: value, to: new)
        }
      case .listItems(let items), .setItems(let items):
        for item in items { graph.append(item, to: new) }
      // Tensors are not changed by calls.
      case .call: break
      }
    }
    graph.replace(id, with: new)
  }
}
