internal import Pickle

extension GraphReader {
  /// The items of a dict or of an object that is one of the known mappings;
  /// nil for anything else.
  func mappingPairs(
    _ id: PickleGraph.NodeID
  ) -> [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)]? {
    if graph.kind(id) == .dict { return Array(graph.pairs(id)) }
    guard isMapping(id), let object = graph.object(id) else { return nil }
    var pairs: [(key: PickleGraph.NodeID, value: PickleGraph.NodeID)] = []
    if let first = graph.children(object.arguments).first {
      switch graph.kind(first) {
      case .dict: pairs += graph.pairs(first)
      case .list, .tuple:
        // Python 2 writes OrderedDict([[key, value], …]).
        for item in graph.children(first) {
          let pair = Array(graph.children(item))
          guard pair.count == 2 else { return nil }
          pairs.append((pair[0], pair[1]))
        }
      default: break
      }
    }
    return pairs + object.dictItems
  }

  /// Whether a node is a call that makes a `torch.Tensor`.
  func isTensor(_ id: PickleGraph.NodeID) -> Bool {
    switch call(id)?.function {
    case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3, .rebuildQTensor,
      .rebuildParameter, .rebuildParameterWithState, .rebuildFromType,
      .rebuildFromTypeV2, .rebuildSparse, .rebuildSparseCSR, .rebuildMeta,
      .rebuildNested, .rebuildWrapperSubclass, .rebuildDeviceTensorFromNumpy,
      .rebuildDeviceTensorFromCPU:
      true
    default: false
    }
  }
}
