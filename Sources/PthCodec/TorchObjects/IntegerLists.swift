internal import Pickle

/// The sizes and strides of a checkpoint's tensors: equal ones share an array,
/// since most tensors of a model have the shape of another.
struct IntegerLists {
  private var known: [[Int]] = Array(repeating: [], count: 64)
  private var scratch: [Int] = []

  /// PyTorch computes with 64 dimensions at most.
  private static let maxRank = 1024

  /// The integers that a node consists of.
  ///
  /// - Throws: ``CheckpointError`` with the opcode's offset for other nodes.
  mutating func list(
    _ id: PickleGraph.NodeID,
    of reader: GraphReader,
    _ what: @autoclosure () -> String
  ) throws(CheckpointError) -> [Int] {
    scratch.removeAll(keepingCapacity: true)
    try reader.appendIntegers(of: id, to: &scratch, what())
    guard scratch.count <= Self.maxRank else {
      throw CheckpointError(
        .limit,
        "\(what()) has \(scratch.count) dimensions; tensors have at most "
          + "\(Self.maxRank)",
        offset: reader.graph.offset(id)
      )
    }
    var hash = 0
    for number in scratch { hash = hash &* 31 &+ number }
    // Another list with this hash takes the place: it is copied next time.
    let slot = (hash ^ hash >> 12) & 63
    if known[slot] != scratch { known[slot] = Array(scratch) }
    return known[slot]
  }
}
