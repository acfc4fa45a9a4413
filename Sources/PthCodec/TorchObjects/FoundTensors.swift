internal import OrderedCollections
internal import Pickle
internal import Tensors

/// The tensors that a walk has found, in its order.
///
/// Names stay bytes, and none is hashed, until they are asked for: a checkpoint
/// is opened more often than all of its names are looked up.
struct FoundTensors: Sendable {
  private(set) var tensors: ContiguousArray<Tensor> = []
  private var nodes: [PickleGraph.NodeID] = []

  // All names one after the other, and where each of them ends.
  private var text: [UInt8] = []
  private var ends: [Int] = []

  var isEmpty: Bool { tensors.isEmpty }

  var count: Int { tensors.count }

  /// Makes room for as many tensors as a container may hold.
  mutating func reserveCapacity(_ count: Int) {
    tensors.reserveCapacity(count)
    nodes.reserveCapacity(count)
    ends.reserveCapacity(count)
  }

  /// Takes in a tensor under the path that the walk has reached.
  mutating func append(
    _ tensor: consuming Tensor,
    at node: PickleGraph.NodeID,
    named path: inout PathBuffer
  ) {
    tensors.append(tensor)
    nodes.append(node)
    path.takeText(for: .tensor, to: &text)
    ends.append(text.count)
  }

  /// The tensors by name.
  ///
  /// Keys 1 and "1" have the same text: the later one gets a number. One key
  /// that stands twice has been refused.
  func byName() -> OrderedDictionary<String, Tensor> {
    var result = OrderedDictionary<String, Tensor>(
      minimumCapacity: tensors.count
    )
    var numbers: [String: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      let name = name(index)
      guard let first = result.updateValue(tensor, forKey: name) else {
        continue
      }
      result[name] = first
      var number = numbers[name] ?? 1
      var free: String
      repeat {
        number += 1
        free = "\(name)#\(number)"
      } while result[free] != nil
      numbers[name] = number
      result[free] = tensor
    }
    return result
  }

  /// The node that each of the tensors in `dictionary`, which ``byName()`` has
  /// made, comes from.
  func nodes(
    of dictionary: OrderedDictionary<String, Tensor>
  ) -> OrderedDictionary<String, PickleGraph.NodeID> {
    // The order is the same, so that no name is hashed again.
    var place = 0
    return dictionary.mapValues { _ in
      defer { place += 1 }
      return nodes[place]
    }
  }

  private func name(_ index: Int) -> String {
    let start = index == 0 ? 0 : ends[index - 1]
    return String(decoding: text[start..<ends[index]], as: UTF8.self)
  }
}
