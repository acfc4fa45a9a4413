internal import OrderedCollections
internal import Pickle
public import Tensors

/// What objects of a program's own classes stand for.
///
/// Nothing in a pickle is ever called, so an object of a class that is not
/// PyTorch's is shown as its parts. A decoder makes of those parts what the
/// class would:
///
/// ```swift
/// let decoders: ObjectDecoders = [
///   "my_package.Scaled": { object in
///     try object.state?["weight"].map { .tensor(try $0.tensor()) }
///   }
/// ]
/// let checkpoint = try Checkpoint.open("model.pth", decoders: decoders)
/// ```
public struct ObjectDecoders: Sendable, ExpressibleByDictionaryLiteral {
  /// Decodes one object; nil leaves it as it is.
  public typealias Decoder =
    @Sendable (PickledObject) throws -> DecodedObject?

  private var decoders: [String: Decoder] = [:]

  /// Makes an empty list.
  public init() {}

  /// Makes a list of decoders by the class's module and name.
  ///
  /// - Parameter elements: Names such as `argparse.Namespace`; the last one of
  ///   a name wins.
  public init(dictionaryLiteral elements: (String, Decoder)...) {
    for (name, decoder) in elements { decoders[name] = decoder }
  }

  /// The decoder for a class, by its module and name.
  public subscript(typeName: String) -> Decoder? {
    get { decoders[typeName] }
    set { decoders[typeName] = newValue }
  }

  /// Whether there is no decoder.
  public var isEmpty: Bool { decoders.isEmpty }
}

/// What an object stands for.
public enum DecodedObject: Sendable {
  /// One tensor, under the object's own name.
  case tensor(Tensor)
  /// Several tensors, under the object's name, a dot, and their own.
  case tensors([(name: String, tensor: Tensor)])
  /// A value that is no tensor.
  case value(PlainValue)
}

/// An object of a pickle: what its class would be given.
public struct PickledObject {
  let parts: ObjectParts
  let context: DecodingContext

  /// The class's module and name, such as `argparse.Namespace`.
  public let typeName: String

  /// The arguments that it is made with.
  public var arguments: [PickledValue] {
    parts.arguments.map { PickledValue($0, context) }
  }

  /// The state that it is given: mostly a dict of its attributes.
  public var state: PickledValue? {
    guard let object = context.reader.graph.object(node) else { return nil }
    return object.state.map { PickledValue($0, context) }
  }

  /// What is appended to it, as to a list.
  public var elements: [PickledValue] {
    parts.listItems.map { PickledValue($0, context) }
  }

  /// What is set in it by key, as in a dict.
  public var items: [(key: PickledValue, value: PickledValue)] {
    parts.dictItems.map {
      (PickledValue($0.key, context), PickledValue($0.value, context))
    }
  }

  private let node: PickleGraph.NodeID

  init?(_ node: PickleGraph.NodeID, _ context: DecodingContext) {
    guard let parts = ObjectParts(node, in: context.reader.graph) else {
      return nil
    }
    self.node = node
    self.parts = parts
    self.context = context
    typeName = parts.typeName
  }
}

/// A value inside an object.
public struct PickledValue {
  private let node: PickleGraph.NodeID
  private let context: DecodingContext

  init(_ node: PickleGraph.NodeID, _ context: DecodingContext) {
    self.node = node
    self.context = context
  }

  private var graph: PickleGraph { context.reader.graph }

  /// Python's name of the value's type.
  public var typeName: String { context.reader.typeName(node) }

  /// The plain value; nil for a container, an object or a tensor.
  public var plain: PlainValue? { context.reader.leaf(node)?.value }

  /// An integer; nil for another type.
  public var int: Int? { graph.int(node) }

  /// A float or an integer; nil for another type.
  public var double: Double? {
    graph.float(node) ?? graph.int(node).map { Double($0) }
  }

  /// A truth value; nil for another type.
  public var bool: Bool? { graph.bool(node) }

  /// Text; nil for another type.
  public var string: String? { graph.string(node) }

  /// Bytes; nil for another type.
  public var bytes: [UInt8]? { context.reader.bytes(node) }

  /// The elements of a list, tuple or set; nil for another type.
  public var elements: [PickledValue]? {
    switch graph.kind(node) {
    case .list, .tuple, .set, .frozenSet:
      graph.children(node).map { PickledValue($0, context) }
    default: nil
    }
  }

  /// The items of a dict or an OrderedDict; nil for another type.
  public var items: [(key: PickledValue, value: PickledValue)]? {
    guard graph.kind(node) == .dict || context.reader.isMapping(node) else {
      return nil
    }
    return graph.pairs(node).map {
      (PickledValue($0.key, context), PickledValue($0.value, context))
    }
  }

  /// The value under a text key of a dict; nil where there is none.
  public subscript(key: String) -> PickledValue? {
    items?.last { $0.key.string == key }?.value
  }

  /// The value as an object of a class; nil for another type.
  public var object: PickledObject? { PickledObject(node, context) }

  /// The value as a tensor.
  ///
  /// - Returns: The tensor; tensors of one storage share it.
  /// - Throws: ``CheckpointError`` for what is no dense tensor.
  public func tensor() throws -> Tensor {
    guard
      case .dense(let tensor) = try context.decoder.tensor(node)?.content
    else {
      throw context.reader.fault(node, "a \(typeName) is no tensor")
    }
    return tensor
  }
}

/// What decoders read from.
final class DecodingContext {
  let decoders: ObjectDecoders
  let reader: GraphReader
  var decoder: TensorDecoder

  init(_ decoders: ObjectDecoders, _ decoder: TensorDecoder) {
    self.decoders = decoders
    self.decoder = decoder
    reader = decoder.reader
  }

  /// What an object stands for, if there is a decoder for its class.
  func decoded(_ id: PickleGraph.NodeID) throws -> DecodedObject? {
    guard let object = PickledObject(id, self),
      let decode = decoders[object.typeName]
    else { return nil }
    do {
      return try decode(object)
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(
        .unsupported,
        "the decoder of \(object.typeName) says: \(error)",
        offset: reader.offset(id)
      )
    }
  }
}

extension Checkpoint {
  /// Opens a file or folder, with decoders for a program's own classes.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - format: The format; nil finds out by the content.
  ///   - decoders: What objects of further classes stand for; classes that
  ///     PyTorch's own files need are understood without.
  ///   - options: Limits and wishes.
  /// - Returns: The checkpoint; saved, it has the objects as they were.
  /// - Throws: As ``open(_:as:options:)`` does, and what a decoder throws,
  ///   with the object's path.
  public static func open(
    _ path: String,
    as format: FormatID? = nil,
    decoders: ObjectDecoders,
    options: ReadOptions = ReadOptions()
  ) throws -> Checkpoint {
    let checkpoint = try open(path, as: format, options: options)
    guard let pickled = checkpoint.pickled, !decoders.isEmpty else {
      return checkpoint
    }
    do {
      var result = try Checkpoint(
        walking: pickled,
        as: checkpoint.format,
        decoders: decoders
      )
      result.path = path
      result.repeatLimit = checkpoint.repeatLimit
      result.byteOrder = checkpoint.byteOrder
      result.metadata = checkpoint.metadata
      return result
    } catch let error as CheckpointError {
      throw error.located(file: path)
    }
  }
}
