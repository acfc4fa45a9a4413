internal import Pickle

/// Refuses dictionaries in which a key stands twice.
///
/// Python's own pickler never writes one: such a file shows different programs
/// different data.
struct KeyChecks {
  typealias NodeID = PickleGraph.NodeID

  private let reader: GraphReader
  private let graph: PickleGraph
  /// Objects that share a large dictionary, each of which would be looked
  /// through again, must not make the time quadratic.
  private var pairsLeft: Int

  init(_ reader: GraphReader) {
    self.reader = reader
    graph = reader.graph
    pairsLeft = 4 * graph.nodeCount + 100_000
  }

  /// Checks a container.
  ///
  /// - Throws: ``CheckpointError`` with the second key's offset, or where
  ///   dictionaries are shared without measure.
  mutating func check(_ id: NodeID) throws(CheckpointError) {
    switch graph.kind(id) {
    case .dict: try check(graph.pairs(id))
    case .object: try checkObject(id)
    default: break
    }
  }

  private mutating func checkObject(_ id: NodeID) throws(CheckpointError) {
    // As the thousands of OrderedDicts without hooks are.
    guard hasArguments(id) || reader.isChanged(id),
      let object = graph.object(id)
    else { return }
    try checkItems(of: id)
    if let keywords = object.keywordArguments {
      try check(graph.pairs(keywords))
    }
    guard let state = object.state else { return }
    try check(graph.pairs(state))
    guard reader.isModule(id) else { return }
    // The walk takes these three as if they were the module's own.
    for part: StaticString in ["_parameters", "_buffers", "_modules"] {
      guard let dict = reader.value(of: part, in: state) else { continue }
      try checkItems(of: dict)
    }
  }

  /// Checks the items of a dict or of an object of any class.
  private mutating func checkItems(of id: NodeID) throws(CheckpointError) {
    guard let object = graph.object(id) else {
      return try check(graph.pairs(id))
    }
    guard reader.isMapping(id),
      let first = graph.children(object.arguments).first
    else { return try check(object.dictItems) }
    try spend(graph.pairs(first).count)
    try spend(graph.children(first).count)
    guard let pairs = reader.mappingPairs(id) else {
      return try check(object.dictItems)
    }
    try spend(object.dictItems.count)
    try refuse(graph.repeatedKey(in: pairs))
  }

  private func hasArguments(_ id: NodeID) -> Bool {
    graph.call(id).map { !graph.children($0.arguments).isEmpty } ?? false
  }

  private mutating func check(
    _ pairs: PickleGraph.Pairs
  ) throws(CheckpointError) {
    try spend(pairs.count)
    try refuse(graph.repeatedKey(in: pairs))
  }

  private mutating func spend(_ count: Int) throws(CheckpointError) {
    pairsLeft = pairsLeft.subtractingReportingOverflow(count).partialValue
    guard pairsLeft >= 0 else {
      throw CheckpointError(
        .limit,
        "its objects share dictionaries too often to look through all"
      )
    }
  }

  private func refuse(_ key: NodeID?) throws(CheckpointError) {
    guard let key else { return }
    throw CheckpointError(
      .unsupported,
      "the key \(reader.keyText(key).prefix(80)) stands twice in a dictionary",
      offset: reader.offset(key)
    )
  }
}
