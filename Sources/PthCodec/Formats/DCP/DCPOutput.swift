internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A checkpoint on its way into a folder of `torch.distributed.checkpoint`.
///
/// One rank writes one file: each item is a whole zip archive of `torch.save`,
/// the values first, as torch writes them.
struct DCPOutput {
  static let fileName = "__0_0.distcp"

  private let content: PickledContent
  private let items: [DCPItems.Item]

  /// What can't be kept.
  let losses: [ConversionLoss]

  /// Takes the object apart.
  ///
  /// - Throws: ``CheckpointError`` for an object without a flat form.
  init(_ checkpoint: Checkpoint) throws {
    var content = try PickledContent(of: checkpoint)
    let isModule = GraphReader(content.graph).isModule(content.graph.root)
    if isModule {
      // A whole module is the state dict of its parts.
      var tensors = checkpoint
      tensors.pickled = nil
      content = try PickledContent(of: tensors)
    } else {
      content = try content.inZipForm()
    }
    self.content = content
    let found = try DCPItems(content)
    items = found.items
    var report = found.losses
    if isModule {
      report.addValues(of: checkpoint)
    } else {
      report.addUnpickled(of: checkpoint)
    }
    losses = report.losses
  }

  /// Writes the folder, all or nothing.
  func write(to path: String, options: WriteOptions) throws {
    let folder = try AtomicFolder(
      path,
      overwriting: options.replacesExisting,
      durability: options.durability,
      replacing: { $0 == DCPFolder.metadataName || $0.hasSuffix(".distcp") }
    )
    let file = try AtomicFile(
      folder.file(Self.fileName),
      durability: options.durability
    )
    var metadata = DCPMetadataOutput(items)
    let total = items.reduce(0) {
      $0.addingReportingOverflow($1.tensor?.byteCount ?? 0).partialValue
    }
    let order =
      items.indices.filter { items[$0].tensor == nil }
      + items.indices.filter { items[$0].tensor != nil }
    var graft = GraphGraft(content)
    for index in order {
      let start = file.position
      do {
        try write(items[index], by: &graft, to: file, path: path)
      } catch let error as CheckpointError {
        throw error.located(file: path, keyPath: items[index].name)
      }
      metadata.add(
        index,
        at: DCPMetadata.Place(
          file: Self.fileName,
          offset: start,
          length: file.position - start
        )
      )
      options.progress?(min(file.position, total), total)
    }
    try file.commit()
    let last = try AtomicFile(
      folder.file(DCPFolder.metadataName),
      durability: options.durability
    )
    try last.write(metadata.encoded(path: path))
    try last.commit()
    try folder.commit()
  }

  /// Writes an item as an archive of its own.
  private func write(
    _ item: DCPItems.Item,
    by graft: inout GraphGraft,
    to file: AtomicFile,
    path: String
  ) throws {
    var builder = GraphBuilder()
    if let tensor = item.tensor {
      builder.setRoot(builder.tensor(try tensor.alone()))
    } else {
      graft.begin()
      builder.setRoot(try graft.copy(item.node, into: &builder))
    }
    let part = builder.content()
    let records = TorchLayout.torch2.items(
      pickle: try part.encoded(protocolVersion: 2, path: path),
      storages: part.storages.map { ($0.key, $0.value.storage) }
    )
    do {
      try TorchArchiveWriter.write(records, root: "archive", to: file)
    } catch let error as StorageError {
      throw CheckpointError(.unsupported, "\(error)")
    } catch let error as TensorError {
      throw CheckpointError(.unsupported, "\(error)")
    }
  }
}

extension Tensor {
  /// The tensor with a storage of its own and nothing else in it, detached, as
  /// torch's writer of distributed checkpoints makes it.
  fileprivate func alone() throws -> Tensor {
    var result = self
    if storage.byteCount != byteCount {
      if layout.isDense, !dtype.isPacked {
        // No overflow: the layout lies in its storage.
        let start = elementCount == 0 ? 0 : layout.offset * dtype.itemSize
        result = try Tensor(
          dtype: dtype,
          layout: Layout(shape: shape, strides: layout.strides),
          storage: storage.part(start..<start + byteCount)
        )
        result.isConjugate = isConjugate
        result.isNegative = isNegative
      } else {
        result = try contiguous()
      }
    }
    result.requiresGrad = false
    result.device = "cpu"
    return result
  }
}

extension Layout {
  /// Whether the elements take each place in their range once, in any order
  /// of the dimensions.
  fileprivate var isDense: Bool {
    guard elementCount > 0 else { return true }
    var step = 1
    for axis in shape.indices.sorted(by: { strides[$0] < strides[$1] })
    where shape[axis] != 1 {
      guard strides[axis] == step else { return false }
      step *= shape[axis]
    }
    return true
  }
}
