internal import OrderedCollections
internal import Pickle
internal import Tensors

/// The pickle of a PyTorch file and the storages that it names.
///
/// The graph is all that Python would have: writing it gives the same object
/// again, whatever the walk could make of it.
struct PickledContent: Sendable {
  /// The pickle.
  var graph: PickleGraph

  /// The storages by key, in the order of their first mention.
  var storages: OrderedDictionary<String, StorageEntry> {
    get { deferredStorages.value }
    set { deferredStorages = Deferred(ready: newValue) }
  }

  /// The nodes of the named tensors, for edits.
  var tensorNodes: OrderedDictionary<String, PickleGraph.NodeID> {
    get { deferredNodes.value }
    set { deferredNodes = Deferred(ready: newValue) }
  }

  /// The zip archive that it came in; nil for another container.
  var archive: SourceArchive?

  /// The legacy file that it came in; nil for another container.
  var legacy: LegacySource?

  private var deferredStorages:
    Deferred<OrderedDictionary<String, StorageEntry>>
  var deferredNodes: Deferred<OrderedDictionary<String, PickleGraph.NodeID>>

  init(
    graph: PickleGraph,
    storages: OrderedDictionary<String, StorageEntry>,
    tensorNodes: OrderedDictionary<String, PickleGraph.NodeID>,
    archive: SourceArchive? = nil
  ) {
    self.graph = graph
    self.archive = archive
    deferredStorages = Deferred(ready: storages)
    deferredNodes = Deferred(ready: tensorNodes)
  }

  /// A pickle with the storages that a walk has found.
  init(
    graph: PickleGraph,
    storages: StorageList,
    archive: SourceArchive? = nil
  ) {
    self.graph = graph
    self.archive = archive
    deferredStorages = Deferred { storages.byKey() }
    deferredNodes = Deferred(ready: [:])
  }
}

/// A PyTorch archive as the source of records that are written again.
struct SourceArchive: Sendable {
  let reader: ArchiveReader

  /// The order of bytes in the archive's storages.
  let byteOrder: ByteOrder

  /// Whether the object was changed, so that only the layout is kept.
  var isEdited = false

  /// The layout whose records the archive has.
  var layout: TorchLayout {
    ["byteorder", ".format_version", ".data/serialization_id"]
      .contains { reader.contains($0) } ? .torch2 : .torch1
  }
}
