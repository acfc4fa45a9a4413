internal import OrderedCollections

/// A Swift model whose parameters have the names that PyTorch gives them.
///
/// One method names every parameter, one line each. It serves loading, saving,
/// counting and the optimizer alike:
///
/// ```swift
/// struct Linear: Module {
///   var weight = Parameter<Float>(shape: [10, 196])
///   var bias = Parameter<Float>(shape: [10])
///
///   mutating func visitParameters(_ visitor: inout ModuleVisitor) {
///     visitor.visit(&weight, "weight")
///     visitor.visit(&bias, "bias")
///   }
/// }
/// ```
public protocol Module {
  /// The module's version in `_metadata`: 1, or 2 for a BatchNorm.
  static var stateVersion: Int { get }

  /// Names every parameter, buffer and submodule, in PyTorch's order.
  ///
  /// - Parameter visitor: What looks at them.
  mutating func visitParameters(_ visitor: inout ModuleVisitor)
}

extension Module {
  public static var stateVersion: Int { 1 }
}

/// A named array of a module: values in row-major order.
public struct Parameter<Scalar: TensorScalar>: Sendable {
  /// The size of each dimension; empty for a scalar.
  public let shape: [Int]

  /// The elements in row-major order, as many as the shape's product.
  public var values: [Scalar]

  /// Makes a parameter of one value for all elements.
  ///
  /// - Parameters:
  ///   - shape: The size of each dimension, as the model's author writes it.
  ///   - value: Every element's value.
  public init(shape: [Int], repeating value: Scalar) {
    self.shape = shape
    values = Array(repeating: value, count: shape.reduce(1, *))
  }
}

extension Parameter where Scalar: Numeric {
  /// Makes a parameter of zeros.
  ///
  /// - Parameter shape: The size of each dimension.
  public init(shape: [Int]) {
    self.init(shape: shape, repeating: 0)
  }
}

/// Whether a value is learned or only kept.
public enum ParameterRole: Sendable, Hashable {
  /// The optimizer changes it.
  case parameter
  /// Running statistics and the like: saved, but not learned.
  case buffer
}

/// Looks at each parameter of a module in turn.
///
/// The module calls ``visit(_:_:role:)`` for its own values and
/// ``scope(_:_:)`` for its submodules.
public struct ModuleVisitor {
  enum Mode {
    case save
    case load(StateDict)
    case describe
  }

  var mode: Mode
  var saved = StateDict()
  var problems: [StateDictMismatch.Problem] = []
  var seen: Set<String> = []
  var descriptions: [ParameterDescription] = []
  private var prefix = ""

  init(_ mode: Mode) {
    self.mode = mode
  }

  /// Looks at one value.
  ///
  /// - Parameters:
  ///   - parameter: The value; loading replaces its elements.
  ///   - name: The key's last part, `weight` for example.
  ///   - role: Whether the value is learned.
  public mutating func visit<Scalar: TensorScalar>(
    _ parameter: inout Parameter<Scalar>,
    _ name: String,
    role: ParameterRole = .parameter
  ) {
    let key = prefix + name
    switch mode {
    case .describe:
      descriptions.append(
        ParameterDescription(
          key: key,
          shape: parameter.shape,
          dtype: Scalar.dtype,
          role: role
        )
      )
    case .save:
      saved.tensors[key] = try? Tensor(parameter.values, shape: parameter.shape)
    case .load(let source):
      seen.insert(key)
      load(&parameter, key, source)
    }
  }

  /// Looks at a submodule.
  ///
  /// - Parameters:
  ///   - module: The submodule.
  ///   - name: Its name in the outer module, `fc` or `0` for example.
  public mutating func scope<Child: Module>(
    _ module: inout Child,
    _ name: String
  ) {
    scope(name, version: Child.stateVersion) { module.visitParameters(&$0) }
  }

  /// Names a submodule that has no Swift type, such as a layer without
  /// parameters.
  ///
  /// - Parameters:
  ///   - name: Its name in the outer module.
  ///   - version: Its version in `_metadata`.
  ///   - body: Looks at its parameters.
  public mutating func scope(
    _ name: String,
    version: Int = 1,
    _ body: (inout ModuleVisitor) -> Void = { _ in }
  ) {
    let outer = prefix
    saved.moduleVersions[outer + name] = version
    prefix = outer + name + "."
    body(&self)
    prefix = outer
  }

  private mutating func load<Scalar: TensorScalar>(
    _ parameter: inout Parameter<Scalar>,
    _ key: String,
    _ source: StateDict
  ) {
    guard let tensor = source[key] else {
      problems.append(.missing(key: key, shape: parameter.shape))
      return
    }
    guard tensor.shape == parameter.shape else {
      problems.append(
        .wrongShape(key: key, expected: parameter.shape, actual: tensor.shape)
      )
      return
    }
    do {
      parameter.values = try tensor.converted(to: Scalar.dtype).elements()
    } catch {
      problems.append(.unreadable(key: key, reason: "\(error)"))
    }
  }
}

/// A parameter's name, shape, dtype and role.
public struct ParameterDescription: Sendable, Hashable {
  /// The full key, `cnn.0.weight` for example.
  public let key: String
  /// The size of each dimension.
  public let shape: [Int]
  /// The dtype that the model keeps it in.
  public let dtype: DType
  /// Whether it is learned.
  public let role: ParameterRole

  /// The number of elements.
  public var elementCount: Int { shape.reduce(1, *) }
}

extension Module {
  /// The parameters and buffers in PyTorch's order.
  public var parameterDescriptions: [ParameterDescription] {
    var visitor = ModuleVisitor(.describe)
    var copy = self
    copy.visitParameters(&visitor)
    return visitor.descriptions
  }

  /// The model's values and `_metadata`, as PyTorch's `state_dict()` has them.
  ///
  /// - Returns: Tensors of their own: later changes of the model don't show.
  public func stateDict() -> StateDict {
    var visitor = ModuleVisitor(.save)
    visitor.saved.moduleVersions[""] = Self.stateVersion
    var copy = self
    copy.visitParameters(&visitor)
    return visitor.saved
  }

  /// Replaces the model's values by those of a state dict.
  ///
  /// Nothing changes when it throws. Other dtypes are converted.
  ///
  /// - Parameters:
  ///   - stateDict: The tensors by key.
  ///   - strict: Whether a key that the model does not have is an error, as in
  ///     PyTorch's `load_state_dict(strict=True)`. A missing key or another
  ///     shape always is.
  /// - Throws: ``StateDictMismatch`` with every key that does not fit.
  public mutating func load(
    _ stateDict: StateDict,
    strict: Bool = true
  ) throws(StateDictMismatch) {
    var visitor = ModuleVisitor(.load(stateDict))
    var copy = self
    copy.visitParameters(&visitor)
    var problems = visitor.problems
    if strict {
      for (key, tensor) in stateDict.tensors where !visitor.seen.contains(key) {
        problems.append(.unexpected(key: key, shape: tensor.shape))
      }
    }
    guard problems.isEmpty else {
      throw StateDictMismatch(problems: problems)
    }
    self = copy
  }
}
