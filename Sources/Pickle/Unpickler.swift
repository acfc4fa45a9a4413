/// Reads pickles into graphs.
public struct Unpickler {
  /// Decodes one pickle.
  ///
  /// Every opcode of protocols 0 to 5 is understood. Nothing is called,
  /// nothing recurses, and memory follows the bytes that are read.
  ///
  /// - Parameters:
  ///   - source: The bytes; the graph keeps them alive.
  ///   - offset: Where the pickle starts.
  ///   - limits: How much the pickle may ask for.
  /// - Returns: The values; ``PickleGraph/endOffset`` is after the STOP.
  /// - Throws: ``PickleError``, telling the opcode at fault and its offset.
  public static func decode(
    _ source: PickleSource,
    at offset: Int = 0,
    limits: PickleLimits = .default
  ) throws(PickleError) -> PickleGraph {
    var machine = Machine(source, at: offset, limits: limits)
    let root = try machine.run()
    return machine.finish(root: root, source: source)
  }

  /// What could be decoded of a pickle that may be damaged.
  public struct Partial: Sendable {
    /// The values up to the failure.
    ///
    /// The root of a failed decode is the bottom of the stack.
    public let graph: PickleGraph
    /// Why decoding ended before a STOP, or nil.
    public let failure: PickleError?
    /// The number of the memo entry that is farthest from the others; 0 where
    /// they lie close together.
    package let farthestMemo: Int
  }

  /// Decodes as much of a pickle as can be.
  ///
  /// - Parameters:
  ///   - source: The bytes; the graph keeps them alive.
  ///   - offset: Where the pickle starts.
  ///   - limits: How much the pickle may ask for.
  /// - Returns: The values and the failure, if there was one.
  public static func decodePermissively(
    _ source: PickleSource,
    at offset: Int = 0,
    limits: PickleLimits = .default
  ) -> Partial {
    decodePermissively(
      source,
      at: offset,
      limits: limits,
      takesAnyProtocol: false
    )
  }

  /// Decodes as much of a pickle as can be, perhaps one of a protocol that
  /// does not exist.
  ///
  /// - Parameters:
  ///   - source: The bytes; the graph keeps them alive.
  ///   - offset: Where the pickle starts.
  ///   - limits: How much the pickle may ask for.
  ///   - takesAnyProtocol: Whether protocols after 5 are read like 5.
  /// - Returns: The values and the failure, if there was one.
  package static func decodePermissively(
    _ source: PickleSource,
    at offset: Int,
    limits: PickleLimits,
    takesAnyProtocol: Bool
  ) -> Partial {
    var machine = Machine(source, at: offset, limits: limits)
    machine.takesAnyProtocol = takesAnyProtocol
    let root: UInt32
    var failure: PickleError?
    do {
      root = try machine.run()
    } catch {
      root = machine.bottomOfStack()
      failure = error
    }
    let farthest = machine.sparseMemo.keys.max() ?? 0
    return Partial(
      graph: machine.finish(root: root, source: source),
      failure: failure,
      farthestMemo: Int(farthest)
    )
  }
}
