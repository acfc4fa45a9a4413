internal import Pickle

/// Key paths, worked out when the first one is asked for.
final class PathFinder {
  private let graph: PickleGraph
  private lazy var paths = KeyPaths(graph)

  init(_ graph: PickleGraph) {
    self.graph = graph
  }

  /// The path of a node, nil for one that is not in the value.
  func path(of id: PickleGraph.NodeID) -> String? { paths.path(of: id) }
}
