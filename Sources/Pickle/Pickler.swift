/// Writes graphs as pickles, as CPython's own pickler would.
public struct Pickler {
  /// Encodes a graph.
  ///
  /// A graph that was decoded from a pickle by CPython comes out byte for
  /// byte in the same protocol. For another protocol, values get the form
  /// that CPython gives them there: a set is a call before protocol 4 and has
  /// opcodes from there on, and module names are mapped between Python 2 and 3.
  ///
  /// - Parameters:
  ///   - graph: What to write.
  ///   - root: The value to write; by default the graph's root, after what
  ///     the original pickle makes and drops (``PickleGraph/discarded``).
  ///   - version: The protocol, 0 to 5.
  /// - Returns: The pickle, from its first opcode to the STOP.
  /// - Throws: ``PickleError`` when a value has no form in the protocol; its
  ///   offset is where the value was read from.
  public static func encode(
    _ graph: PickleGraph,
    root: PickleGraph.NodeID? = nil,
    protocol version: Int = 2
  ) throws(PickleError) -> [UInt8] {
    guard version >= 0 && version <= 5 else {
      throw PickleError(.unsupportedProtocol(version), offset: -1)
    }
    let raised = Raising.raise(graph, to: version)
    let fitting = try Lowering.lower(raised, to: version)
    // Either of them adds nodes.
    guard !fitting.arena.storage.isOverfull else {
      throw PickleError(
        .limitExceeded(name: "maxNodes", limit: fitting.arena.storage.maxNodes),
        offset: -1
      )
    }
    var encoder = Encoder(fitting, protocol: version)
    return try encoder.encode(
      root ?? graph.root,
      after: root == nil ? graph.discarded : []
    )
  }
}
