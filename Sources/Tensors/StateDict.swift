public import OrderedCollections

/// A model's tensors by name, in the model's order, as `state_dict()` gives
/// them.
public struct StateDict: Sendable {
  /// The tensors by key, such as `cnn.0.weight`.
  public var tensors: OrderedDictionary<String, Tensor>

  /// What PyTorch keeps as `_metadata`: each module's version by its path.
  ///
  /// The model itself has the empty path. Empty where there is no `_metadata`.
  public var moduleVersions: OrderedDictionary<String, Int>

  /// Makes a state dict.
  ///
  /// - Parameters:
  ///   - tensors: The tensors by key.
  ///   - moduleVersions: The modules' versions by path.
  public init(
    _ tensors: OrderedDictionary<String, Tensor> = [:],
    moduleVersions: OrderedDictionary<String, Int> = [:]
  ) {
    self.tensors = tensors
    self.moduleVersions = moduleVersions
  }

  /// The tensor under `key`.
  public subscript(key: String) -> Tensor? {
    get { tensors[key] }
    set { tensors[key] = newValue }
  }

  /// The keys in order.
  public var keys: OrderedSet<String> { tensors.keys }

  /// The number of tensors.
  public var count: Int { tensors.count }
}
