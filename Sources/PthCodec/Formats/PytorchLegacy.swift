internal import OrderedCollections
internal import Pickle
internal import Tensors

/// The file of torch before 1.6, and of
/// `torch.save(_use_new_zipfile_serialization=False)`.
struct PytorchLegacy: CheckpointFormat {
  let descriptor = FormatDescriptor(
    id: .pytorchLegacy,
    aliases: ["pth-legacy", "legacy"],
    suffixes: [],
    canRead: true,
    canWrite: true,
    summary: "run of pickles and storages, torch.save before 1.6"
  )

  func recognizes(_ input: CheckpointInput) -> Bool {
    LegacyFile.recognizes(input)
  }

  func read(
    _ input: CheckpointInput,
    options: ReadOptions
  ) throws -> Checkpoint {
    try LegacyFile(input, options: options).checkpoint()
  }

  func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    // What torch has written once may be written again.
    guard checkpoint.pickled?.legacy == nil else { return [] }
    var report = LossReport(descriptor.id)
    report.addUnpickled(of: checkpoint)
    for (name, tensor) in checkpoint.tensors
    where StorageType(writing: tensor.dtype) == .untyped {
      report.add(name, Self.reason("\(tensor.dtype)"))
    }
    addObjects(of: checkpoint, to: &report)
    return report.losses
  }

  private static func reason(_ what: String) -> String {
    "no torch reads \(what) from the file of torch before 1.6"
  }

  /// Adds what torch asks for the bytes of before it has read them, and
  /// storages that have no type for it.
  private func addObjects(
    of checkpoint: Checkpoint,
    to report: inout LossReport
  ) {
    // Where the object can't be walked, writing says why.
    guard let content = checkpoint.ownPickle,
      let places = try? ObjectPlaces(content)
    else { return }
    let reader = GraphReader(content.graph)
    for (index, place) in places.places.enumerated() {
      if reader.call(place.node)?.function == .rebuildNested {
        report.add(places.path(of: index), Self.reason("nested tensors"))
      } else if reader.isStorage(place.node),
        (try? reader.storageReference(place.node))?.type == .untyped
      {
        report.add(places.path(of: index), Self.reason("an UntypedStorage"))
      }
    }
  }

  func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    try LegacyOutput(checkpoint, path: path, options: options).write()
  }
}
