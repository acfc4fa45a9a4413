internal import OrderedCollections
internal import Pickle
internal import Tensors

extension GraphEditor {
  /// Cuts storages to the bytes that their tensors view.
  ///
  /// A storage that several tensors view is cut to the range of them all, so
  /// that they share it as before.
  ///
  /// - Returns: Whether anything changed.
  /// - Throws: ``CheckpointError`` for a tensor that can't be read.
  mutating func compact() throws -> Bool {
    let found = TensorCalls(graph)
    var views: OrderedDictionary<String, [View]> = [:]
    var left = found.mentions
    let reader = GraphReader(graph)
    for call in found.calls {
      let reference = try reader.storageReference(call.storage)
      left[call.storage, default: 0] -= 1
      views[reference.key, default: []]
        .append(try View(call, reference, reader))
    }
    for (id, count) in left where count > 0 && reader.isStorage(id) {
      // The whole storage is meant.
      views[try reader.storageReference(id).key] = nil
    }
    var isChanged = false
    for (key, views) in views {
      guard let entry = storages[key],
        let range = View.range(of: views, in: entry.storage)
      else { continue }
      isChanged = true
      let storage = entry.storage.part(range)
      storages[key] = StorageEntry(
        type: entry.type,
        location: entry.location,
        storage: storage
      )
      var done: Set<NodeID> = []
      for view in views {
        if done.insert(view.call.storage).inserted { cut(view, storage) }
        move(view, by: range.lowerBound)
      }
    }
    return isChanged
  }

  private mutating func cut(_ view: View, _ storage: Storage) {
    guard let pid = graph.persistentID(view.call.storage) else { return }
    var parts = Array(graph.children(pid))
    let unit = view.reference.type.countedDType.itemSize
    parts[4] = graph.addInt(storage.byteCount / unit)
    graph.setChildren(parts, of: pid)
  }

  private mutating func move(_ view: View, by bytes: Int) {
    var arguments = view.call.arguments
    let offset =
      view.isEmpty ? 0 : view.layout.offset - bytes / view.dtype.itemSize
    guard offset != view.layout.offset else { return }
    arguments[1] = graph.addInt(offset)
    rewrite(view.call, arguments: arguments)
  }

  /// A tensor's part of a storage.
  private struct View {
    let call: TensorCalls.Call
    let reference: StorageReference
    let layout: Layout
    let dtype: DType

    var isEmpty: Bool { layout.elementCount == 0 }

    init(
      _ call: TensorCalls.Call,
      _ reference: StorageReference,
      _ reader: GraphReader
    ) throws {
      self.call = call
      self.reference = reference
      dtype =
        call.function == .rebuildTensorV3
        ? try reader.dtype(call.arguments[6])
        : reference.type.countedDType
      layout = try TensorDecoder.checked {
        try Layout(
          shape: reader.integers(call.arguments[2], "the size"),
          strides: reader.integers(call.arguments[3], "the stride"),
          offset: reader.integer(call.arguments[1], "the storage offset")
        )
      }
    }

    /// The bytes that views take of their storage; nil where that is all.
    static func range(of views: [View], in storage: Storage) -> Range<Int>? {
      guard !storage.isMeta,
        views.allSatisfy({ !$0.dtype.isPacked && $0.reference.view == nil })
      else { return nil }
      return StorageCut.range(
        of: views.map { ($0.layout, $0.dtype) },
        in: storage,
        // A typed storage has a whole number of its elements.
        units: views.map(\.reference.type.countedDType.itemSize)
      )
    }
  }
}

/// Which bytes of a storage its views need.
enum StorageCut {
  /// The range from the first to the last byte that is viewed.
  ///
  /// - Parameters:
  ///   - views: Layouts and dtypes.
  ///   - storage: The storage.
  ///   - units: What the range's ends must be multiples of.
  /// - Returns: The range; nil where it is the whole storage.
  static func range(
    of views: [(layout: Layout, dtype: DType)],
    in storage: Storage,
    units: [Int]
  ) -> Range<Int>? {
    var start = Int.max
    var end = 0
    // All item sizes are powers of two, so the largest is their multiple.
    var unit = units.max() ?? 1
    for (layout, dtype) in views {
      unit = max(unit, dtype.itemSize)
      guard layout.elementCount > 0 else { continue }
      guard let last = dtype.byteCount(ofElements: layout.extent),
        last <= storage.byteCount
      else { return nil }
      // No overflow: the view lies in its storage.
      start = min(start, layout.offset * dtype.itemSize)
      end = max(end, last)
    }
    start = start >= end ? 0 : start / unit * unit
    end = end + (unit - end % unit) % unit
    guard end <= storage.byteCount, end - start < storage.byteCount else {
      return nil
    }
    return start..<end
  }
}

extension Storage {
  /// A part of this storage's bytes as a storage of its own; nothing is copied
  /// before it is read.
  func part(_ range: Range<Int>) -> Storage {
    let whole = self
    return unsafe Storage(byteCount: range.count) { body in
      try unsafe whole.withUnsafeBytes { bytes in
        try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[range]))
      }
    }
  }
}
