internal import OrderedCollections
public import Tensors

/// What tells two checkpoints apart, by name, whatever their formats.
public struct CheckpointDifferences: Sendable {
  /// The names of tensors that only the first has.
  public internal(set) var onlyInFirst: [String] = []

  /// The names of tensors that only the second has.
  public internal(set) var onlyInSecond: [String] = []

  /// Tensors of one name that differ, in the first's order.
  public internal(set) var tensors: [TensorDifference] = []

  /// Values that differ, in the first's order, the second's own behind.
  public internal(set) var values: [ValueDifference] = []

  /// Names of tensors that share memory in the first and not in the second.
  public internal(set) var sharedInFirst: [[String]] = []

  /// Names of tensors that share memory in the second and not in the first.
  public internal(set) var sharedInSecond: [[String]] = []

  /// How many tensors are the same in both.
  public internal(set) var sameTensors = 0

  /// Whether nothing differs.
  public var isEmpty: Bool {
    onlyInFirst.isEmpty && onlyInSecond.isEmpty && tensors.isEmpty
      && values.isEmpty && sharedInFirst.isEmpty && sharedInSecond.isEmpty
  }
}

/// Two tensors of one name that differ.
public struct TensorDifference: Sendable {
  /// The tensors' name.
  public let name: String
  /// The shapes in the first and second checkpoint.
  public let shapes: (first: [Int], second: [Int])
  /// The dtypes in the first and second checkpoint.
  public let dtypes: (first: DType, second: DType)
  /// How the elements differ; nil where the shapes do.
  public internal(set) var elements: ElementDifference?
  /// Whether scale or zero point differ.
  public internal(set) var isQuantizedOtherwise = false
}

/// How the elements of two tensors of one shape differ.
public struct ElementDifference: Sendable, Hashable {
  /// How many elements differ by more than the tolerance.
  public internal(set) var count = 0
  /// The first of them, as an index in row-major order.
  public internal(set) var first: Int?
  /// The largest difference, infinite where one is infinite; nil for dtypes
  /// that are no numbers.
  public internal(set) var largestAbsolute: Double?
  /// The largest difference, divided by the larger of the two magnitudes.
  public internal(set) var largestRelative: Double?
  /// Where the largest difference is, in row-major order.
  public internal(set) var largestIndex: Int?
  /// How many elements are NaN in one of the two only; they count as
  /// different, but have no difference.
  public internal(set) var unmatchedNaN = 0
}

/// A value that differs.
public struct ValueDifference: Sendable, Hashable {
  /// The value's path.
  public let path: String
  /// The first checkpoint's value; nil where it has none.
  public let first: CheckpointValue?
  /// The second checkpoint's value; nil where it has none.
  public let second: CheckpointValue?
}

/// How much elements may differ and still count as the same:
/// `|a - b| <= absolute + relative * |b|`, as `torch.allclose` has it.
public struct Tolerance: Sendable, Hashable {
  /// The part that is multiplied with the second's magnitude.
  public let relative: Double
  /// The part that is always allowed.
  public let absolute: Double

  /// Makes a tolerance; without numbers, none.
  ///
  /// - Parameters:
  ///   - relative: The part of the second's magnitude.
  ///   - absolute: The part that is always allowed.
  public init(relative: Double = 0, absolute: Double = 0) {
    self.relative = relative
    self.absolute = absolute
  }
}

extension Checkpoint {
  /// What tells this checkpoint apart from another.
  ///
  /// Tensors are compared by name: shape, dtype, elements, and which of them
  /// share memory. NaN is the same as NaN in the same place. Values are
  /// compared by path, modules' versions where both checkpoints have some.
  ///
  /// - Parameters:
  ///   - other: The second checkpoint, in whatever format.
  ///   - tolerance: How much elements may differ.
  ///   - progress: Told how many of this checkpoint's bytes are compared.
  /// - Returns: All differences.
  /// - Throws: ``CheckpointError`` with the tensor's name where its elements
  ///   can't be read.
  public func differences(
    to other: Checkpoint,
    tolerance: Tolerance = Tolerance(),
    progress: ProgressHandler? = nil
  ) throws -> CheckpointDifferences {
    try checkRepeats()
    try other.checkRepeats()
    var result = CheckpointDifferences()
    let total = tensors.values.reduce(0) { $0 &+ $1.byteCount }
    var done = 0
    for (name, tensor) in tensors {
      defer { done &+= tensor.byteCount }
      guard let partner = other.tensors[name] else {
        result.onlyInFirst.append(name)
        continue
      }
      do {
        let difference = try TensorComparison(
          tensor,
          partner,
          tolerance,
          progress: { [done] in progress?(done &+ $0, total) }
        ).difference(named: name)
        if let difference {
          result.tensors.append(difference)
        } else {
          result.sameTensors += 1
        }
      } catch let error as CheckpointError {
        throw error.located(keyPath: name)
      } catch {
        throw CheckpointError(.damaged, "\(error)", keyPath: name)
      }
    }
    result.onlyInSecond = other.tensors.keys.filter { tensors[$0] == nil }
    (result.sharedInFirst, result.sharedInSecond) = sharing(besides: other)
    result.values = valueDifferences(to: other)
    return result
  }

  /// Groups of tensors that share memory in one of two checkpoints only.
  private func sharing(
    besides other: Checkpoint
  ) -> (first: [[String]], second: [[String]]) {
    let common = tensors.keys.filter { other.tensors[$0] != nil }
    let first = Self.groups(Array(common), tensors)
    let second = Self.groups(Array(common), other.tensors)
    return (
      first.filter { !second.contains($0) }.map { $0.elements },
      second.filter { !first.contains($0) }.map { $0.elements }
    )
  }

  private static func groups(
    _ names: [String],
    _ tensors: OrderedDictionary<String, Tensor>
  ) -> OrderedSet<OrderedSet<String>> {
    var groups: OrderedDictionary<ObjectIdentifier, OrderedSet<String>> = [:]
    for name in names {
      guard let tensor = tensors[name], tensor.elementCount > 0 else {
        continue
      }
      groups[ObjectIdentifier(tensor.storage), default: []].append(name)
    }
    return OrderedSet(groups.values.filter { $0.count > 1 })
  }

  private func valueDifferences(to other: Checkpoint) -> [ValueDifference] {
    var result: [ValueDifference] = []
    let paths = other.valuePaths
    var places: [String: Int] = [:]
    places.reserveCapacity(paths.count)
    for (index, path) in paths.enumerated() { places[path] = index }
    var isFound = [Bool](repeating: false, count: paths.count)
    for (value, path) in zip(values, valuePaths) {
      let place = places[path]
      if let place { isFound[place] = true }
      let second = place.map { other.values[$0] }
      guard !Self.isSame(value, second) else { continue }
      result.append(ValueDifference(path: path, first: value, second: second))
    }
    for (index, path) in paths.enumerated() where !isFound[index] {
      result.append(
        ValueDifference(path: path, first: nil, second: other.values[index])
      )
    }
    guard !moduleVersions.isEmpty, !other.moduleVersions.isEmpty else {
      return result
    }
    let modules = OrderedSet(moduleVersions.keys)
      .union(other.moduleVersions.keys)
    for module in modules
    where moduleVersions[module] != other.moduleVersions[module] {
      func value(_ version: Int?) -> CheckpointValue? {
        version.map {
          CheckpointValue(path: "_metadata", type: "int", value: .int($0))
        }
      }
      result.append(
        ValueDifference(
          path: "_metadata.\(module)",
          first: value(moduleVersions[module]),
          second: value(other.moduleVersions[module])
        )
      )
    }
    return result
  }

  /// The paths of the values; another of the same path has a number behind.
  private var valuePaths: [String] {
    var counts: [String: Int] = [:]
    counts.reserveCapacity(values.count)
    return values.map { value in
      counts[value.path, default: 0] += 1
      let count = counts[value.path] ?? 1
      return count == 1 ? value.path : "\(value.path)#\(count)"
    }
  }

  private static func isSame(
    _ first: CheckpointValue,
    _ second: CheckpointValue?
  ) -> Bool {
    guard let second, first.type == second.type else { return false }
    if case .float(let a) = first.value, case .float(let b) = second.value {
      return a == b || a.isNaN && b.isNaN
    }
    return first.value == second.value
  }
}
